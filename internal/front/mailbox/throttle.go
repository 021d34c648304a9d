package mailbox

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// throttle slows down password guessing. Attempts from an address with failures are
// serialized with exponential back-off; failures for a user delay every other attempt
// for that user by some seconds, but never lock the user out. A pair of address and user
// that has logged in before has a back-off of its own.
type throttle struct {
	mu        sync.Mutex
	addresses map[netip.Prefix]*failures
	users     map[string]*failures
	trusted   map[pair]*failures // after a successful login
}

type pair struct {
	from netip.Prefix
	user string
}

type failures struct {
	n    int
	last time.Time // last attempt
	next time.Time // earliest next check
}

const (
	maxEntries      = 10_000 // in each table
	failureMemory   = time.Hour
	trustedMemory   = 30 * 24 * time.Hour
	freeGuesses     = 3
	maxAddressDelay = time.Minute
	maxUserDelay    = 8 * time.Second
	maxWait         = 30 * time.Second // a longer delay is refused
	maxUserName     = 256
)

func newThrottle() *throttle {
	return &throttle{addresses: map[netip.Prefix]*failures{}, users: map[string]*failures{}, trusted: map[pair]*failures{}}
}

// wait blocks until a password may be checked. Kind Unavailable if that would take too
// long.
func (t *throttle) wait(ctx context.Context, from netip.Prefix, user string) error {
	d := t.reserve(from, user, time.Now())
	if d > maxWait {
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
	if f := lookup(t.trusted, pair{from, user}, now, trustedMemory); f != nil {
		return f.schedule(now)
	}
	var d time.Duration
	if f := lookup(t.addresses, from, now, failureMemory); f != nil {
		d = f.schedule(now)
	}
	if f := lookup(t.users, user, now, failureMemory); f != nil {
		d = max(d, delay(f.n, maxUserDelay))
	}
	return d
}

// schedule reserves the next free time.
func (f *failures) schedule(now time.Time) time.Duration {
	at := f.next
	if at.Before(now) {
		at = now
	}
	d := at.Sub(now)
	if d <= maxWait {
		f.next = at.Add(delay(f.n, maxAddressDelay))
	}
	return d
}

// failed records a wrong password.
func (t *throttle) failed(from netip.Prefix, user string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := lookup(t.trusted, pair{from, user}, now, trustedMemory); f != nil {
		f.count(now)
		return
	}
	lookupOrAdd(t.addresses, from, now, failureMemory).count(now)
	lookupOrAdd(t.users, user, now, failureMemory).count(now)
}

// succeeded records a login.
func (t *throttle) succeeded(from netip.Prefix, user string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	*lookupOrAdd(t.trusted, pair{from, user}, now, trustedMemory) = failures{last: now}
}

func (f *failures) count(now time.Time) {
	f.n++
	f.last = now
	if next := now.Add(delay(f.n, maxAddressDelay)); f.next.Before(next) {
		f.next = next
	}
}

// delay doubles with every failure after freeGuesses.
func delay(n int, most time.Duration) time.Duration {
	if n < freeGuesses {
		return 0
	}
	return min(most, time.Second<<min(n-freeGuesses, 16))
}

func lookup[K comparable](m map[K]*failures, k K, now time.Time, ttl time.Duration) *failures {
	f := m[k]
	if f != nil && now.Sub(f.last) > ttl {
		delete(m, k)
		return nil
	}
	return f
}

func lookupOrAdd[K comparable](m map[K]*failures, k K, now time.Time, ttl time.Duration) *failures {
	if f := lookup(m, k, now, ttl); f != nil {
		return f
	}
	if len(m) >= maxEntries {
		evictOldest(m)
	}
	f := &failures{last: now}
	m[k] = f
	return f
}

// evictOldest removes the entry with the oldest attempt.
func evictOldest[K comparable](m map[K]*failures) {
	var oldest K
	var when time.Time
	for k, f := range m {
		if when.IsZero() || f.last.Before(when) {
			oldest, when = k, f.last
		}
	}
	delete(m, oldest)
}
