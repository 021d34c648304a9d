package ask

// signal wakes all goroutines that wait for a change. The mutex of the changing value
// guards it, and it costs nothing without waiters.
type signal struct{ c chan struct{} }

// wait returns a channel that is closed at the next change.
func (s *signal) wait() <-chan struct{} {
	if s.c == nil {
		s.c = make(chan struct{})
	}
	return s.c
}

// wake signals a change.
func (s *signal) wake() {
	if s.c != nil {
		close(s.c)
		s.c = nil
	}
}
