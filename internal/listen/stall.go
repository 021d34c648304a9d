package listen

import (
	"io"
	"net/http"
	"time"
)

// limitStalls ends requests whose client sends no byte of a body, or takes none of the
// response, for so long: it would hold a connection for ever.
func limitStalls(h http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.Body != nil && r.Body != http.NoBody {
			body := &stallReader{ReadCloser: r.Body, control: control, timeout: timeout}
			defer body.end()
			body.extend()
			r.Body = body
		}
		h.ServeHTTP(&stallWriter{w, control, timeout}, r)
	})
}

// stallReader moves the connection's read deadline with each read of a body.
type stallReader struct {
	io.ReadCloser
	control *http.ResponseController
	timeout time.Duration
	ended   bool
}

func (s *stallReader) extend() { _ = s.control.SetReadDeadline(time.Now().Add(s.timeout)) }

// end removes the deadline: a handler may go on long after the body has ended.
func (s *stallReader) end() {
	if !s.ended {
		s.ended = true
		_ = s.control.SetReadDeadline(time.Time{})
	}
}

func (s *stallReader) Read(p []byte) (int, error) {
	s.extend()
	n, err := s.ReadCloser.Read(p)
	if err == io.EOF {
		s.end()
	}
	return n, err
}

// stallWriter moves the connection's write deadline with each write.
type stallWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

// Unwrap lets http.ResponseController reach flushing.
func (s *stallWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *stallWriter) Write(p []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	return s.ResponseWriter.Write(p)
}
