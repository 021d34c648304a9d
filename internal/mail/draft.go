package mail

import (
	"bufio"
	"bytes"
	"io"
	"slices"

	"github.com/emersion/go-message/textproto"

	"github.com/mootspace/moot"
)

// IsDraft reports whether a message was not sent yet.
func (i Item) IsDraft() bool { return i.Folder == DraftsFolder || slices.Contains(i.Flags, Draft) }

// FromDraft returns a draft as a message to send, from what Open returned: also to the
// given addresses, and with the date on which it is sent. Kinds: Invalid, TooLarge.
func FromDraft(r io.Reader, to ...string) (io.Reader, error) {
	br := bufio.NewReaderSize(&untilHeader{r: r, left: MaxHeader}, 4096)
	h, err := textproto.ReadHeader(br)
	if err != nil {
		if moot.KindOf(err) == moot.TooLarge {
			return nil, err
		}
		return nil, moot.Errorf(moot.Invalid, "the draft's header is malformed: %w", err)
	}
	h.Del("Date")
	for f := h.FieldsByKey("Authentication-Results"); f.Next(); { // that it came from nobody else
		f.Del()
	}
	addrs, err := fieldOf(to)
	if err != nil {
		return nil, err
	}
	field := h.Get("To")
	for _, a := range addrs {
		if field != "" {
			field += ", "
		}
		field += a.String()
	}
	if len(addrs) > 0 {
		h.Set("To", field)
	}
	var text bytes.Buffer
	if err := textproto.WriteHeader(&text, h); err != nil {
		return nil, moot.Errorf(moot.Invalid, "the draft's header is malformed: %w", err)
	}
	return io.MultiReader(&text, buffered(br), r), nil
}
