package mail

import (
	"bufio"
	"io"
)

// prefaceStart begins the field that is put before a message on its arrival.
const prefaceStart = "Authentication-Results: " + StableDomain + "; x-moot="

// Source returns a message as it came, from what Open returned: without the field that was
// put before it on its arrival.
func Source(r io.Reader) io.Reader {
	br := bufio.NewReaderSize(r, 4096)
	if head, _ := br.Peek(len(prefaceStart)); string(head) == prefaceStart {
		_, _ = br.ReadString('\n') // the next Read returns its error
	}
	return br
}
