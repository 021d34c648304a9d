package suite

import (
	"context"
	"crypto/ed25519"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// interval is how often the nodes of a world compare their feeds.
const interval = 50 * time.Millisecond

var bound = gossip.Bound(interval)

// World is a group of members, each with a running node. Member 0 is the founder,
// and the server where there is one.
type World struct {
	Store, Link, Architecture string

	t       T
	space   moot.Key
	log     *slog.Logger
	mu      sync.Mutex
	members []*Member
	cut     map[[2]moot.Key]bool
}

// NewWorld founds a space with a founder and so many members.
func NewWorld(t T, storeKind, linkKind, architecture string, extra int) *World {
	t.Helper()
	w := &World{Store: storeKind, Link: linkKind, Architecture: architecture, t: t, log: slog.New(slog.DiscardHandler), cut: map[[2]moot.Key]bool{}}
	key := seal.NewKey()
	w.space = seal.Public(key)
	founder := w.add(key, "founder")
	w.must(founder.start())
	w.must(founder.Members().Found(t.Context(), "world", "founder"))
	for i := range extra {
		w.Join(w.Invite(policy.RoleMember, 1, time.Hour), memberNames[i])
	}
	return w
}

var memberNames = []string{"ann", "bob", "cyd", "dan", "eve"}

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s, %s, %s: %v", w.Store, w.Link, w.Architecture, err)
	}
}

// Member returns a member: 0 is the founder.
func (w *World) Member(i int) *Member {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.members[i]
}

// Centralised reports whether nothing works without the server.
func (w *World) Centralised() bool { return w.Architecture == "client-server" }

func (w *World) add(key ed25519.PrivateKey, name string) *Member {
	m := &Member{Name: name, world: w, key: key, config: Stores[w.Store](w.t)}
	w.mu.Lock()
	w.members = append(w.members, m)
	w.mu.Unlock()
	w.t.Cleanup(m.Stop)
	return m
}

// Invite has the founder invite.
func (w *World) Invite(role policy.Role, uses int, expires time.Duration) members.Link {
	w.t.Helper()
	l, err := w.Member(0).Members().Invite(w.t.Context(), members.Invitation{Role: role, Uses: uses, Expires: expires})
	w.must(err)
	return l
}

// Join makes a newcomer who enters by an invitation at any member that lets it in.
func (w *World) Join(l members.Link, name string) *Member {
	w.t.Helper()
	m, err := w.TryJoin(l, name)
	w.must(err)
	return m
}

// TryJoin is Join, but may fail.
func (w *World) TryJoin(l members.Link, name string) (*Member, error) {
	m := w.add(seal.NewKey(), name)
	err := m.enter(l)
	if err == nil {
		err = m.start()
	}
	if err != nil {
		w.mu.Lock()
		w.members = slices.DeleteFunc(w.members, func(o *Member) bool { return o == m })
		w.mu.Unlock()
	}
	return m, err
}

// Cut separates two members; Heal joins them again.
func (w *World) Cut(a, b *Member) {
	w.mu.Lock()
	w.cut[[2]moot.Key{a.Key(), b.Key()}], w.cut[[2]moot.Key{b.Key(), a.Key()}] = true, true
	w.mu.Unlock()
	for _, m := range []*Member{a, b} {
		if m.link != nil {
			m.link.Cut(m, a.Key())
			m.link.Cut(m, b.Key())
		}
	}
}

// Heal ends all separations.
func (w *World) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cut)
}

func (w *World) separated(a, b moot.Key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut[[2]moot.Key{a, b}]
}

// find returns a member that runs.
func (w *World) find(k moot.Key) (*Member, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.members {
		if m.Key() == k && m.running {
			return m, nil
		}
	}
	return nil, moot.Errorf(moot.Unavailable, "nobody answers there")
}

// Alike waits until all members hold the same entries.
func (w *World) Alike() {
	w.t.Helper()
	Eventually(w.t, "the members come to hold the same", func() error {
		first, err := w.Member(0).Store().Vector(w.t.Context())
		if err != nil {
			return err
		}
		w.mu.Lock()
		all := slices.Clone(w.members)
		w.mu.Unlock()
		for _, m := range all[1:] {
			v, err := m.Store().Vector(w.t.Context())
			if err != nil {
				return err
			}
			if !v.Includes(first) || !first.Includes(v) {
				return moot.Errorf(moot.Unavailable, "%s holds %v, the founder %v", m.Name, v, first)
			}
		}
		return nil
	})
}

// neighbourhood locates everybody else who runs, as a mesh of few members does.
type neighbourhood struct{ m *Member }

func (n neighbourhood) Locate(context.Context, moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		for _, p := range n.m.others() {
			if !yield(p) {
				return
			}
		}
	}
}

func (neighbourhood) Announce(context.Context, moot.BlobID) error { return nil }
func (neighbourhood) Authority() (moot.Authority, bool)           { return moot.Authority{}, false }
