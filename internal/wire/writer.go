package wire

import (
	"io"
	"net/http"
	"time"
)

// writer is the ResponseWriter that routes see. Every single write has a deadline, so
// that a caller who stops reading cannot hold the request for ever, while a response may
// take as long as it has to. It also knows whether the response has begun.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	status  int // 0 until the answer begins
}

func newWriter(w http.ResponseWriter, stall time.Duration) *writer {
	return &writer{ResponseWriter: w, control: http.NewResponseController(w), stall: stall}
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
	defer w.setDeadline()()
	return w.ResponseWriter.Write(p)
}

// FlushError sends what has been written; http.ResponseController calls it.
func (w *writer) FlushError() error {
	defer w.setDeadline()()
	return w.control.Flush()
}

func (w *writer) Flush() { _ = w.FlushError() }

// setDeadline sets the deadline of a write and returns the function that clears it. It
// must be cleared: over HTTP/2 a deadline that passes ends the stream, also if nothing
// is being written. Connections without deadlines are not bounded.
func (w *writer) setDeadline() func() {
	w.control.SetWriteDeadline(time.Now().Add(w.stall))
	return w.clearDeadline
}

func (w *writer) clearDeadline() { w.control.SetWriteDeadline(time.Time{}) }

// end sets a deadline for what net/http still writes itself.
func (w *writer) end() { w.control.SetWriteDeadline(time.Now().Add(w.stall)) }

// reader gives every single read of a request's body a deadline. Over HTTP/1 net/http
// goes on reading after the end, to notice that the caller leaves, so that the deadline
// must not outlive the call.
type reader struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
}

func newReader(control *http.ResponseController, body io.ReadCloser, stall time.Duration) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return http.NoBody
	}
	return &reader{body, control, stall}
}

func (r *reader) Read(p []byte) (int, error) {
	r.control.SetReadDeadline(time.Now().Add(r.stall))
	n, err := r.ReadCloser.Read(p)
	r.control.SetReadDeadline(time.Time{})
	return n, err
}
