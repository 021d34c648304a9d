package wire

import (
	"io"
	"net/http"
	"time"
)

// writer is the ResponseWriter that routes see. It gives every single write a
// deadline, so that a caller who stops reading cannot hold the request for ever,
// while an answer may take as long as it has to. It also knows whether the answer
// has begun.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	stuck   time.Duration
	status  int // 0 until the answer begins
}

func newWriter(w http.ResponseWriter, stuck time.Duration) *writer {
	return &writer{ResponseWriter: w, control: http.NewResponseController(w), stuck: stuck}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	defer w.hurry()()
	return w.ResponseWriter.Write(p)
}

// FlushError sends what has been written; http.ResponseController calls it.
func (w *writer) FlushError() error {
	defer w.hurry()()
	return w.control.Flush()
}

func (w *writer) Flush() { w.FlushError() }

// hurry sets the deadline and returns how to lift it. It must be lifted: over
// HTTP/2 it ends the stream when it passes, whether anything is being written or
// not. A connection without deadlines has to do without.
func (w *writer) hurry() func() {
	w.control.SetWriteDeadline(time.Now().Add(w.stuck))
	return w.lift
}

func (w *writer) lift() { w.control.SetWriteDeadline(time.Time{}) }

// end leaves a deadline for what the server still has to write by itself.
func (w *writer) end() { w.control.SetWriteDeadline(time.Now().Add(w.stuck)) }

// reader gives every single read of a request's body a deadline. Over HTTP/1 the
// server goes on reading after the end, to see the caller leave, so the deadline
// must not outlive the call.
type reader struct {
	io.ReadCloser
	control *http.ResponseController
	stuck   time.Duration
}

func newReader(control *http.ResponseController, body io.ReadCloser, stuck time.Duration) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return http.NoBody
	}
	return &reader{body, control, stuck}
}

func (r *reader) Read(p []byte) (int, error) {
	r.control.SetReadDeadline(time.Now().Add(r.stuck))
	n, err := r.ReadCloser.Read(p)
	r.control.SetReadDeadline(time.Time{})
	return n, err
}
