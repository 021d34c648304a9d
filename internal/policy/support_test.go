package policy_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// group is a space whose clock the test sets.
type group struct {
	t   testing.TB
	now time.Time
	id  moot.SpaceID
}

// node is a store with its roster as the gate.
type node struct {
	*policy.Roster
	g     *group
	store *store.Store
	cfg   store.Config
	put   func(moot.Entry) error // stores an entry
}

// device is a key with its feed, which it writes through a node.
type device struct {
	*node
	key    ed25519.PrivateKey
	author *feed.Author
	first  moot.EntryID
}

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) moot.Key { return moot.Key(k.Public().(ed25519.PublicKey)) }

func (g *group) clock() time.Time { return g.now }

func (g *group) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// newGroup founds a space; ann is its founder's device.
func newGroup(t testing.TB) (*group, *device) {
	g := &group{t: t, now: time.Unix(1_800_000_000, 0)}
	return g, g.found(g.node(store.Config{}))
}

// found begins a space through a node.
func (g *group) found(n *node) *device {
	ann := n.device("ann")
	g.id = moot.SpaceID(ann.must(trust.Space{Name: "friends"}).ID)
	claim := ann.must(trust.Rename{Name: "ann"})
	ann.must(trust.Witness{Confirms: []moot.EntryID{claim.ID}})
	return ann
}

// node opens a node; with the zero Config in memory.
func (g *group) node(cfg store.Config) *node {
	g.t.Helper()
	n := &node{Roster: policy.NewRoster(g.id, g.clock), g: g, cfg: cfg}
	cfg.Gate = n.Roster
	s, err := store.Open(g.t.Context(), cfg)
	g.must(err)
	n.store, n.put = s, func(e moot.Entry) error { return s.Append(g.t.Context(), moot.Merge, e) }
	g.t.Cleanup(func() { s.Close() })
	return n
}

// device returns the device of a name; its feed is empty.
func (n *node) device(name string) *device {
	key := keyOf(name)
	return &device{node: n, key: key, author: feed.NewAuthor(n.g.id, key, feed.NewClock(n.g.clock, 0), nil)}
}

// on returns the device as it writes through another node.
func (d *device) on(n *node) *device {
	e := *d
	e.node = n
	return &e
}

func (d *device) id() moot.Key { return public(d.key) }

func (d *device) member() moot.MemberID {
	id, _ := d.Owner(d.id())
	return id
}

// sign returns a possible next act.
func (d *device) sign(body any, cites ...moot.EntryID) moot.Entry {
	d.g.t.Helper()
	d.g.now = d.g.now.Add(time.Second)
	b, err := trust.Encode(body)
	d.g.must(err)
	return d.author.NextAct(policy.KindOf(body), cites, b)
}

// say signs and stores an act that cites what its node knows.
func (d *device) say(body any, cites ...moot.EntryID) (moot.Entry, error) {
	e := d.sign(body, append(d.Cites(body), cites...)...)
	return e, d.append(e)
}

func (d *device) must(body any, cites ...moot.EntryID) moot.Entry {
	d.g.t.Helper()
	e, err := d.say(body, cites...)
	d.g.must(err)
	return e
}

// append stores an entry of the device.
func (d *device) append(e moot.Entry) error {
	err := d.put(e)
	if err == nil {
		d.author.Commit(e)
		if e.Seq == 1 {
			d.first = e.ID
		}
	}
	return err
}

// write stores an entry that is no act.
func (d *device) write(kind moot.Kind, key string) (moot.Entry, error) {
	d.g.now = d.g.now.Add(time.Second)
	e := d.author.Next(kind, key, nil, []byte("a body"))
	return e, d.append(e)
}

// mark gives an entry in pins or feeds.
func mark(e moot.Entry) trust.Mark { return trust.Mark{Device: e.Author, Seq: e.Seq, ID: e.ID} }

// invite makes an invitation, whose key is that of its name.
func (d *device) invite(name string, in trust.Invite) moot.EntryID {
	d.g.t.Helper()
	in.Key, in.Uses = public(keyOf(name)), max(in.Uses, 1)
	return d.must(in).ID
}

// join signs the first act of a device.
func (d *device) join(name string, invite moot.EntryID, as string) moot.Entry {
	proof := ed25519.Sign(keyOf(name), trust.JoinMessage(d.g.id, d.id()))
	return d.sign(trust.Join{Invite: invite, Proof: proof, Name: as, Label: "laptop"}, invite)
}

// newcomer is invited, joins and is admitted.
func (d *device) newcomer(name string, role policy.Role) *device {
	d.g.t.Helper()
	in := d.invite("for "+name, trust.Invite{Role: role})
	return d.enter(name, "for "+name, in, name)
}

// second is one more device of d's member, admitted by another's.
func (d *device) second(name string, by *device, recovery bool) *device {
	d.g.t.Helper()
	in := d.invite("for "+name, trust.Invite{For: d.member(), Recovery: recovery})
	return by.enter(name, "for "+name, in, "")
}

// enter has a device join, and admits it.
func (d *device) enter(name, key string, in moot.EntryID, as string) *device {
	d.g.t.Helper()
	v := d.device(name)
	e := v.join(key, in, as)
	d.g.must(v.append(e))
	d.must(trust.Witness{Admits: []trust.Admission{{Join: e.ID}}}, e.ID)
	return v
}

// entries returns all that a node holds, in the order in which it came.
func (n *node) entries() (all []moot.Entry) {
	n.g.t.Helper()
	for e, err := range n.store.Query(n.g.t.Context(), moot.Query{History: true, Replica: true}) {
		n.g.must(err)
		all = append(all, e)
	}
	return all
}

// of returns what a node holds of an author.
func (n *node) of(author moot.Key) []moot.Entry {
	return slices.DeleteFunc(n.entries(), func(e moot.Entry) bool { return e.Author != author })
}

// take stores what others hold, as often as something names what came after it.
func (n *node) take(entries []moot.Entry) {
	n.g.t.Helper()
	for len(entries) > 0 {
		var again []moot.Entry
		for _, e := range entries {
			err := n.store.Append(n.g.t.Context(), moot.Merge, e)
			if moot.KindOf(err) == moot.Gap {
				again = append(again, e)
			}
		}
		if len(again) == len(entries) {
			return
		}
		entries = again
	}
}

// visible returns what the merged view has of an author.
func (n *node) visible(author moot.Key) (keys []string) {
	n.g.t.Helper()
	for e, err := range n.store.Query(n.g.t.Context(), moot.Query{History: true, Author: author}) {
		n.g.must(err)
		if e.Kind != moot.KindAct {
			keys = append(keys, e.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

func wantKind(t testing.TB, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: %v (kind %q), want kind %q", what, err, moot.KindOf(err), kind)
	}
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// ids returns the acts with which names are claimed.
func ids(claims []trust.Claim) (acts []moot.EntryID) {
	for _, c := range claims {
		acts = append(acts, c.ID)
	}
	return acts
}
