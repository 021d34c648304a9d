package suite

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// interval is how often the nodes of a world exchange entries.
const interval = 100 * time.Millisecond

var bound = gossip.Bound(interval)

// Topology describes a world: its axes, and how many members it has.
type Topology struct {
	Store, Link, Architecture string // names of the axes

	Members    int           // besides the founder
	ServerOnly bool          // the server has no links with peers
	Repair     time.Duration // between exchanges of entries; 0: short
}

// World is a group of members, each with a running node. Member 0 is the founder, and
// the server where there is one.
type World struct {
	Topology
	Arch arch.Architecture

	t       T
	space   moot.SpaceID
	link    Link
	mu      sync.Mutex
	members []*Member
	cut     map[[2]moot.Key]bool
}

// NewWorld founds a space with a founder and so many members.
func NewWorld(t T, top Topology) *World {
	t.Helper()
	if top.Repair == 0 {
		top.Repair = interval
	}
	w := emptyWorld(t, top)
	founder := w.add(seal.NewKey(), "founder", members.Link{})
	founding, err := members.Founding("world", firstDevice, founder.key, founder.now)
	w.must(err)
	w.space = feed.SpaceOf(&founding)
	w.must(founder.start(func(ctx context.Context, n *node.Node) error {
		_, err := n.Found(ctx, founding, founder.Name)
		return err
	}))
	for i := range top.Members {
		w.Admitted(w.Join(w.Invite(policy.RoleMember, 1, time.Hour), memberNames[i]))
	}
	return w
}

func emptyWorld(t T, top Topology) *World {
	return &World{Topology: top, Arch: Architectures()[top.Architecture], t: t, link: Links[top.Link](t), cut: map[[2]moot.Key]bool{}}
}

// firstDevice is the label of every member's first device.
const firstDevice = "first"

// Admitted waits until a device knows that its join was admitted.
func (w *World) Admitted(m *Member) {
	w.t.Helper()
	Eventually(w.t, m.Name+" is admitted", func() error {
		if m.node.Waits() {
			return moot.Errorf(moot.Unavailable, "its join waits")
		}
		return nil
	})
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
func (w *World) Centralised() bool { return !w.Arch.Mesh }

func (w *World) add(key ed25519.PrivateKey, name string, l members.Link) *Member {
	m := &Member{Name: name, label: firstDevice, Log: &record{}, world: w, key: key, dir: w.t.TempDir(), link: l}
	w.mu.Lock()
	w.members = append(w.members, m)
	w.mu.Unlock()
	w.t.Cleanup(m.close)
	return m
}

// Invite has the founder invite.
func (w *World) Invite(role policy.Role, uses int, expires time.Duration) members.Link {
	w.t.Helper()
	in, err := w.Member(0).Members().Invite(w.t.Context(), app.InviteOptions{Role: role, Uses: uses, Expires: expires})
	w.must(err)
	l, err := members.ParseLink(in.Link, time.Time{}) // a member refuses what has expired, not the newcomer
	w.must(err)
	return l
}

// Join makes a newcomer who joins by an invitation.
func (w *World) Join(l members.Link, name string) *Member {
	w.t.Helper()
	m, err := w.TryJoin(l, name)
	w.must(err)
	return m
}

// TryJoin is Join, but may fail.
func (w *World) TryJoin(l members.Link, name string) (*Member, error) {
	m := w.add(seal.NewKey(), name, l)
	err := m.join()
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.members = slices.DeleteFunc(w.members, func(o *Member) bool { return o == m })
	}
	return m, err
}

// AddDevice makes one more device of a member, with a node of its own.
func (w *World) AddDevice(of *Member, label string) *Member {
	w.t.Helper()
	in, err := of.Members().AddDevice(w.t.Context(), app.DeviceOptions{Expires: time.Hour})
	w.must(err)
	l, err := members.ParseLink(in.Link, time.Time{})
	w.must(err)
	m := w.add(seal.NewKey(), of.Name, l)
	m.label = label
	w.must(m.join())
	w.Admitted(m)
	return m
}

// join submits the act that makes this newcomer a member's device, and then reads the space.
func (m *Member) join() (err error) {
	ctx := m.world.t.Context()
	e, err := members.Enter(m.link, m.key, m.Name, m.label, m.now)
	if err != nil {
		return err
	}
	invited := node.AsInvited(m.link).Through(m.world.over)
	introducer, err := invited.Submit(ctx, e)
	if err = errors.Join(err, invited.Close()); err != nil {
		return err
	}
	return m.start(func(ctx context.Context, n *node.Node) error {
		in := node.Introduce(m.link, m.key).Through(m.world.over)
		defer in.Close()
		from, err := in.Client(introducer)
		if err != nil {
			return err
		}
		defer from.Close()
		return n.Learn(ctx, from, m.link)
	})
}

// Cut separates two members; Heal joins them again.
func (w *World) Cut(a, b *Member) {
	w.mu.Lock()
	w.cut[[2]moot.Key{a.Key(), b.Key()}], w.cut[[2]moot.Key{b.Key(), a.Key()}] = true, true
	w.mu.Unlock()
	for _, n := range w.running() {
		n.Disconnect()
	}
}

// Heal ends all separations of two members.
func (w *World) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cut)
}

// isolate separates a member from everybody.
func (w *World) isolate(m *Member) {
	w.mu.Lock()
	m.away = true
	w.mu.Unlock()
	for _, o := range w.running() {
		o.Disconnect()
	}
}

// running returns the nodes that run.
func (w *World) running() (nodes []*node.Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.members {
		if m.node != nil {
			nodes = append(nodes, m.node)
		}
	}
	return nodes
}

func (w *World) separated(a, b moot.Key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut[[2]moot.Key{a, b}] || slices.ContainsFunc(w.members, func(m *Member) bool {
		return m.away && (m.Key() == a || m.Key() == b)
	})
}

// Alike waits until all members that are not stopped hold the same entries.
func (w *World) Alike() {
	w.t.Helper()
	Eventually(w.t, "the members come to hold the same entries", func() error {
		var first *moot.Vector
		w.mu.Lock()
		all := slices.Clone(w.members)
		w.mu.Unlock()
		for _, m := range all {
			if m.node == nil || m.away {
				continue
			}
			v, err := m.Store().Vector(w.t.Context())
			if err != nil {
				return err
			}
			v = moot.Vector{Heads: v.Heads} // how often a node's view changed is its own
			if first == nil {
				first = &v
			}
			if !v.Equal(*first) {
				return moot.Errorf(moot.Unavailable, "%s holds %v, others %v", m.Name, v, *first)
			}
		}
		return nil
	})
}
