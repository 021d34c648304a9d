package mailbox

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// throttle makes guessing passwords slow. Wrong passwords from one address are
// answered one after the other, ever more slowly; wrong passwords for one user cost
// everybody who asks for that user some seconds, but never shut the user out. Who has
// logged in from an address before is counted apart from others there.
type throttle struct {
	mu     sync.Mutex
	places map[netip.Prefix]*failures
	users  map[string]*failures
	pairs  map[pair]*failures // that were right before
}

type pair struct {
	from netip.Prefix
	user string
}

type failures struct {
	n    int
	last time.Time // when it last mattered
	next time.Time // when the next password is looked at
}

const (
	maxRemembered = 10_000 // in each table
	forgetAfter   = time.Hour
	trustFor      = 30 * 24 * time.Hour
	freeGuesses   = 3
	slowestPlace  = time.Minute
	slowestUser   = 8 * time.Second
	longestWait   = 30 * time.Second // who would have to wait longer is sent away
	maxUserName   = 256
)

func newThrottle() *throttle {
	return &throttle{places: map[netip.Prefix]*failures{}, users: map[string]*failures{}, pairs: map[pair]*failures{}}
}

// wait returns when a password may be looked at. Kind Unavailable if that would take
// too long.
func (t *throttle) wait(ctx context.Context, from netip.Prefix, user string) error {
	d := t.reserve(from, user, time.Now())
	if d > longestWait {
		return moot.Errorf(moot.Unavailable, "too many wrong passwords: try again in %v", d.Round(time.Second))
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *throttle) reserve(from netip.Prefix, user string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := recall(t.pairs, pair{from, user}, now, trustFor); f != nil {
		return f.queue(now)
	}
	var d time.Duration
	if f := recall(t.places, from, now, forgetAfter); f != nil {
		d = f.queue(now)
	}
	if f := recall(t.users, user, now, forgetAfter); f != nil {
		d = max(d, delay(f.n, slowestUser))
	}
	return d
}

// queue takes the next free moment.
func (f *failures) queue(now time.Time) time.Duration {
	at := f.next
	if at.Before(now) {
		at = now
	}
	d := at.Sub(now)
	if d <= longestWait {
		f.next = at.Add(delay(f.n, slowestPlace))
	}
	return d
}

// failed counts a wrong password.
func (t *throttle) failed(from netip.Prefix, user string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := recall(t.pairs, pair{from, user}, now, trustFor); f != nil {
		f.count(now)
		return
	}
	remember(t.places, from, now, forgetAfter).count(now)
	remember(t.users, user, now, forgetAfter).count(now)
}

// right remembers who was let in from where.
func (t *throttle) right(from netip.Prefix, user string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	*remember(t.pairs, pair{from, user}, now, trustFor) = failures{last: now}
}

func (f *failures) count(now time.Time) {
	f.n++
	f.last = now
	if next := now.Add(delay(f.n, slowestPlace)); f.next.Before(next) {
		f.next = next
	}
}

// delay doubles with every failure after the free ones.
func delay(n int, most time.Duration) time.Duration {
	if n < freeGuesses {
		return 0
	}
	return min(most, time.Second<<min(n-freeGuesses, 16))
}

func recall[K comparable](m map[K]*failures, k K, now time.Time, keep time.Duration) *failures {
	f := m[k]
	if f != nil && now.Sub(f.last) > keep {
		delete(m, k)
		return nil
	}
	return f
}

func remember[K comparable](m map[K]*failures, k K, now time.Time, keep time.Duration) *failures {
	if f := recall(m, k, now, keep); f != nil {
		return f
	}
	if len(m) >= maxRemembered {
		makeRoom(m)
	}
	f := &failures{last: now}
	m[k] = f
	return f
}

// makeRoom forgets the one that did not matter for longest.
func makeRoom[K comparable](m map[K]*failures) {
	var oldest K
	var when time.Time
	for k, f := range m {
		if when.IsZero() || f.last.Before(when) {
			oldest, when = k, f.last
		}
	}
	delete(m, oldest)
}
