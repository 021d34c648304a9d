package mail_test

import (
	"context"
	"crypto/ed25519"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// roster is a mail.Roster that a test changes.
type roster struct {
	mu      sync.Mutex
	members []policy.Member
	owners  map[moot.Key]moot.MemberID // also of devices that were removed
	boxes   map[moot.MemberID]trust.Mailbox
}

func (r *roster) Member(id moot.MemberID) (policy.Member, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if m.ID == id {
			m.Devices = slices.Clone(m.Devices)
			return m, true
		}
	}
	return policy.Member{}, false
}

func (r *roster) Members() []policy.Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members)
}

func (r *roster) Owner(device moot.Key) (moot.MemberID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.owners[device]
	return id, ok
}

func (r *roster) Lookup(name string) (policy.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if len(name) >= 8 && strings.HasPrefix(m.ID.String(), name) || !m.Revoked && trust.MailForm(m.Name) == trust.MailForm(name) {
			return m, nil
		}
	}
	return policy.Member{}, moot.Errorf(moot.NotFound, "no member is called %q", name)
}

func (r *roster) Mailbox(id moot.MemberID) (trust.Mailbox, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	box, ok := r.boxes[id]
	return box, ok
}

// add adds a member with one device.
func (r *roster) add(name string, role policy.Role, device moot.Key) moot.MemberID {
	id := moot.MemberID(device)
	id[0] ^= 0xff // no code may take the one for the other
	r.mu.Lock()
	r.members = append(r.members, policy.Member{ID: id, Name: name, Role: role})
	r.mu.Unlock()
	r.link(id, device)
	return id
}

// link adds a device to a member.
func (r *roster) link(id moot.MemberID, device moot.Key) {
	r.change(id, func(m *policy.Member) { m.Devices = append(m.Devices, policy.Device{Key: device, Member: id}) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owners[device] = id
}

// unlink removes a device.
func (r *roster) unlink(id moot.MemberID, device moot.Key) {
	r.change(id, func(m *policy.Member) {
		m.Devices = slices.DeleteFunc(slices.Clone(m.Devices), func(d policy.Device) bool { return d.Key == device })
	})
}

func (r *roster) change(id moot.MemberID, do func(*policy.Member)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.members {
		if r.members[i].ID == id {
			do(&r.members[i])
		}
	}
}

// start starts a generation of a member's mailbox key.
func (r *roster) start(id moot.MemberID, box seal.Mailbox) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.boxes[id] = trust.Mailbox{Generation: r.boxes[id].Generation + 1, Public: box.Public().String()}
}

// space is a few members who share one node, as on a server.
type space struct {
	t      *testing.T
	id     moot.SpaceID
	owner  moot.MemberID
	node   *store.Store
	roster *roster
	index  *mail.Index
	domain string
	max    int64 // bytes of a message

	mu      sync.Mutex
	relayed []string // to other domains: from, to, message
}

func (s *space) relay(_ context.Context, from string, to []string, mime io.Reader) error {
	b, err := io.ReadAll(mime)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relayed = append(s.relayed, from+"\n"+strings.Join(to, " ")+"\n"+string(b))
	return err
}

// person is a member of a space, on one device.
type person struct {
	*mail.Account
	writer sign.Writer
	key    ed25519.PrivateKey
}

// gather founds a space; the first member is its owner and its server.
func gather(t *testing.T, names ...string) (*space, []*person) {
	t.Helper()
	s := &space{t: t, id: moot.SpaceID{1}, domain: "friends.example", max: 1 << 20}
	s.roster = &roster{owners: map[moot.Key]moot.MemberID{}, boxes: map[moot.MemberID]trust.Mailbox{}}
	s.node, s.index = s.store(nil), s.newIndex()
	var people []*person
	for i, name := range names {
		key, role := seal.NewKey(), policy.RoleMember
		if i == 0 {
			role = policy.RoleOwner
		}
		id := s.roster.add(name, role, seal.Public(key))
		if i == 0 {
			s.owner = id
		}
		people = append(people, s.person(key, s.writer(key, s.node)))
	}
	return s, people
}

func (s *space) store(gate store.Gate) *store.Store {
	s.t.Helper()
	node, err := store.Open(s.t.Context(), store.Config{Gate: gate})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { node.Close() })
	return node
}

func (s *space) newIndex() *mail.Index {
	s.t.Helper()
	index, err := mail.OpenIndex(s.t.Context(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { index.Close() })
	return index
}

// writer returns the writer of a device's feed.
func (s *space) writer(key ed25519.PrivateKey, node *store.Store) sign.Writer {
	s.t.Helper()
	signer, err := sign.New(s.t.Context(), sign.Config{Self: seal.Public(key), Author: feed.NewAuthor(s.id, key, feed.NewClock(time.Now, 0), nil), Local: node})
	if err != nil {
		s.t.Fatal(err)
	}
	return signer.Through(node)
}

func (s *space) person(key ed25519.PrivateKey, w sign.Writer) *person {
	s.t.Helper()
	return &person{s.account(s.config(key, w)), w, key}
}

// config is that of the account of a member's device; a test may change it.
func (s *space) config(key ed25519.PrivateKey, w sign.Writer) mail.Config {
	member, _ := s.roster.Owner(seal.Public(key))
	cfg := mail.Config{
		Node: s.node, Member: member, Write: w, Key: key, Index: s.index, MaxMessage: s.max,
		Directory: func(context.Context) (mail.Directory, error) {
			return mail.Directory{Roster: s.roster, Domain: s.domain}, nil
		},
		Servers: func(context.Context) []moot.MemberID { return []moot.MemberID{s.owner} },
	}
	if member == s.owner {
		cfg.Outbound = s.relay
	}
	return cfg
}

func (s *space) account(cfg mail.Config) *mail.Account {
	s.t.Helper()
	a, err := mail.New(s.t.Context(), cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// device links one more device to a member, with an index of its own, over the space's node.
func (s *space) device(of *person, change func(*mail.Config)) *person {
	s.t.Helper()
	key := seal.NewKey()
	s.roster.link(of.Member(), seal.Public(key))
	w := s.writer(key, s.node)
	cfg := s.config(key, w)
	cfg.Index = s.newIndex()
	if change != nil {
		change(&cfg)
	}
	return &person{s.account(cfg), w, key}
}

// text is a message as a mail program writes it.
func text(to, subject, body string) io.Reader {
	return strings.NewReader("To: " + to + "\r\nSubject: " + subject + "\r\n\r\n" + body + "\r\n")
}

func (p *person) sends(t *testing.T, m io.Reader) mail.Sent {
	t.Helper()
	s, err := p.Send(t.Context(), mail.Outgoing{MIME: m})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// has returns what is in a folder once all is synced.
func (p *person) has(t *testing.T, folder string) []mail.Item {
	t.Helper()
	if err := p.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	items, err := p.List(t.Context(), mail.Query{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func (p *person) reads(t *testing.T, it mail.Item) string {
	t.Helper()
	rc, err := p.Open(t.Context(), it.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	b, err := io.ReadAll(rc)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != it.Size {
		t.Errorf("%q: %d bytes, its size is %d", it.Subject, len(b), it.Size)
	}
	return string(b)
}
