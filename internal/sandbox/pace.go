package sandbox

import "time"

// pace says when processes may run: together, for a share of each period.
type pace struct {
	share func() float64 // nil: always 1
	began time.Time      // of the first period
}

// period is the shortest time for which a share holds.
const period = 100 * time.Millisecond

// runs reports whether processes may run now. A run is no shorter than what is between two
// checks; for a small share the periods are longer.
func (p pace) runs(now time.Time) bool {
	if p.share == nil {
		return true
	}
	share := p.share()
	if share <= 0 || share >= 1 {
		return share >= 1
	}
	whole := max(period, time.Duration(float64(checkEvery)/share))
	return now.Sub(p.began)%whole < time.Duration(share*float64(whole))
}

// pace stops the process, or has it continue. Time in which it is stopped is not its own.
func (w *watch) pace() {
	runs := w.child.pace.runs(time.Now())
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
	case runs:
		w.resume()
	case w.stopped.IsZero() && suspend(w.child.process.Process) == nil:
		w.stopped = time.Now()
	}
}

// resume has a stopped process continue. The caller holds w.mu.
func (w *watch) resume() {
	if w.stopped.IsZero() {
		return
	}
	_ = proceed(w.child.process.Process) // it may have been killed
	w.waited, w.stopped = w.waited+time.Since(w.stopped), time.Time{}
}
