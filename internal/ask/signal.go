package ask

// signal wakes all who wait for a change. It is guarded by the mutex of what it
// speaks of, and costs nothing while nobody waits.
type signal struct{ c chan struct{} }

// wait returns a channel that is closed at the next change.
func (s *signal) wait() <-chan struct{} {
	if s.c == nil {
		s.c = make(chan struct{})
	}
	return s.c
}

// wake tells of a change.
func (s *signal) wake() {
	if s.c != nil {
		close(s.c)
		s.c = nil
	}
}
