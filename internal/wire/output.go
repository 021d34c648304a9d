package wire

import (
	"bufio"
	"encoding/json"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/feed"
)

// output writes a stream of entries: a CBOR sequence, or lines of JSON on request.
// Write errors are sticky, and returned by flush.
type output struct {
	w     *writer
	buf   *bufio.Writer
	lines bool
}

func newOutput(w *writer, r *http.Request) *output {
	o := &output{w: w, buf: bufio.NewWriterSize(w, 32<<10), lines: wantsJSON(r)}
	w.Header().Set("Content-Type", typeSeq)
	if o.lines {
		w.Header().Set("Content-Type", typeLines)
	}
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Cache-Control", "no-store")
	return o
}

// entry writes e. An error means that the caller has left.
func (o *output) entry(e moot.Entry) error {
	if o.lines {
		return o.line(newReadable(e))
	}
	_, err := o.buf.Write(feed.Encode(e))
	return err
}

// heartbeat writes a heartbeat.
func (o *output) heartbeat() error {
	if o.lines {
		return o.line(nil)
	}
	return o.buf.WriteByte(itemNull)
}

// fail ends the stream with err as the last item. If nothing has been sent yet, it
// returns err instead, for a plain problem document.
func (o *output) fail(err error) error {
	if o.w.status == 0 {
		return err
	}
	p := newProblem(err)
	if o.lines {
		_ = o.line(p)
	} else if item, err := cbor.MarshalFields(p); err == nil {
		o.buf.Write(item)
	}
	_ = o.flush() // an error means that the client has left
	return nil
}

func (o *output) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = o.buf.Write(append(text, '\n'))
	return err
}

// flush sends everything written so far.
func (o *output) flush() error {
	if err := o.buf.Flush(); err != nil {
		return err
	}
	return o.w.FlushError()
}
