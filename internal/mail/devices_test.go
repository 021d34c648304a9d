package mail_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// boxes has a device open with mailbox keys, the newest first, and its own.
func boxes(list *[]seal.Mailbox) func(*mail.Config) {
	return func(cfg *mail.Config) {
		device := seal.Device(cfg.Key)
		cfg.Identities = func(context.Context) (ids []seal.Identity) {
			for _, b := range slices.Backward(*list) {
				ids = append(ids, b)
			}
			return append(ids, device)
		}
	}
}

// folders returns what is where, without UIDs.
func (p *person) folders(t *testing.T) (list []string) {
	t.Helper()
	for _, it := range p.has(t, "") {
		list = append(list, fmt.Sprint(it.Folder, " ", it.Subject, " ", it.Flags))
	}
	slices.Sort(list)
	return list
}

// wantSame fails unless all devices of a member show the same.
func wantSame(t *testing.T, devices ...*person) {
	t.Helper()
	want := devices[0].folders(t)
	for i, p := range devices[1:] {
		if got := p.folders(t); !slices.Equal(got, want) {
			t.Errorf("device %d shows\n%s\nthe first one\n%s", i+2, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestDevicesFollow: what one device of a member does the others show, a hosted account
// and a device that is added later included.
func TestDevicesFollow(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	bob := p[2]
	keys := []seal.Mailbox{seal.NewMailbox()}
	laptop := s.device(p[1], boxes(&keys))
	phone := s.device(laptop, boxes(&keys))
	account := s.device(laptop, func(cfg *mail.Config) { boxes(&keys)(cfg); cfg.Index = s.index })
	s.roster.start(laptop.Member(), keys[0])

	bob.sends(t, text("ann", "Lunch", "At noon?"))
	laptop.sends(t, text("bob", "Dinner", "At six?"))
	if _, err := phone.Save(t.Context(), mail.DraftsFolder, []mail.Flag{mail.Draft}, time.Now(), text("bob", "Perhaps", "not")); err != nil {
		t.Fatal(err)
	}
	it := laptop.has(t, mail.Inbox)[0]
	laptop.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Set: []mail.Flag{mail.Seen, "$Todo"}})
	want := []string{`Drafts Perhaps [\Draft]`, `INBOX Lunch [$Todo \Seen]`, `Sent Dinner [\Seen]`}
	if got := phone.folders(t); !slices.Equal(got, want) {
		t.Errorf("the phone shows %q", got)
	}
	wantSame(t, phone, laptop, account)

	later := s.device(laptop, boxes(&keys))
	wantSame(t, phone, later)
	for _, it := range later.has(t, "") {
		later.reads(t, it)
	}
	draft := account.has(t, mail.DraftsFolder)[0]
	account.changes(t, mail.Change{Folder: mail.DraftsFolder, UID: draft.UID, Remove: true})
	wantSame(t, account, phone, laptop, later)
	if got := phone.has(t, mail.DraftsFolder); len(got) != 0 {
		t.Errorf("the draft is still there: %+v", got)
	}
	if got := bob.has(t, mail.Inbox); len(got) != 1 || got[0].Author != laptop.Member() {
		t.Errorf("bob has %+v", got)
	}
}

// TestRemovedDevice cannot open what is sealed after the next generation.
func TestRemovedDevice(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	old := []seal.Mailbox{seal.NewMailbox()}
	lost := s.device(p[1], boxes(&old))
	s.roster.start(lost.Member(), old[0])
	p[2].sends(t, text("ann", "before", "x"))
	fresh := append(slices.Clone(old), seal.NewMailbox())
	s.roster.unlink(lost.Member(), lost.Device())
	s.roster.start(lost.Member(), fresh[1])
	p[2].sends(t, text("ann", "after", "x"))
	if got := lost.folders(t); !slices.Equal(got, []string{"INBOX before []"}) {
		t.Errorf("the removed device has %q", got)
	}
	next := s.device(p[1], boxes(&fresh))
	if got := next.folders(t); !slices.Equal(got, []string{"INBOX after []", "INBOX before []"}) {
		t.Errorf("the next device has %q", got)
	}
}

// TestKeyComesLater: a device that gets its mailbox key after the messages opens them then,
// and what it files meanwhile it can read.
func TestKeyComesLater(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	all := []seal.Mailbox{seal.NewMailbox()}
	laptop := s.device(p[1], boxes(&all))
	var none []seal.Mailbox
	phone := s.device(p[1], boxes(&none))
	s.roster.start(laptop.Member(), all[0])
	p[2].sends(t, text("ann", "Lunch", "At noon?"))
	it := laptop.has(t, mail.Inbox)[0]
	laptop.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Move: "Kept"})
	if got := phone.has(t, ""); len(got) != 0 {
		t.Errorf("opened without a key: %+v", got)
	}
	if _, err := phone.Save(t.Context(), mail.DraftsFolder, nil, time.Now(), text("bob", "own", "x")); err != nil {
		t.Errorf("saved without the mailbox key: %v", err)
	}
	none = all
	if got := phone.folders(t); !slices.Equal(got, []string{"Drafts own []", "Kept Lunch []"}) {
		t.Errorf("with the key: %q", got)
	}
	wantSame(t, phone, laptop)
}

// partitioned is a device with a node of its own, which is behind the space's until it is
// exchanged.
func (s *space) partitioned(of *person, keys *[]seal.Mailbox) (*person, func()) {
	s.t.Helper()
	node := s.store(nil)
	key := seal.NewKey()
	s.roster.link(of.Member(), seal.Public(key))
	w := s.writer(key, node)
	cfg := s.config(key, w)
	cfg.Index, cfg.Node = s.newIndex(), node
	boxes(keys)(&cfg)
	device := &person{s.account(cfg), w, key}
	return device, func() {
		r := &replica{space: s, node: node}
		for e := range s.node.Query(s.t.Context(), moot.Query{Kind: moot.KindMessage}) {
			if id, err := moot.ParseBlobID(e.Key); err == nil {
				_ = r.copyBlob(s.t.Context(), id)
			}
		}
		r.pull(s.t)
		back := &replica{space: &space{t: s.t, node: node}, node: s.node}
		back.pull(s.t)
	}
}

// TestConcurrentFilings: devices that act without hearing of one another converge.
func TestConcurrentFilings(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { concurrentFilings(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func concurrentFilings(t *testing.T, random *rand.Rand) {
	s, p := gather(t, "owner", "ann", "bob")
	keys := []seal.Mailbox{seal.NewMailbox()}
	s.roster.start(p[1].Member(), keys[0])
	for i := range 3 {
		p[2].sends(t, text("ann", fmt.Sprint("n", i), "x"))
	}
	a, exchangeA := s.partitioned(p[1], &keys)
	b, exchangeB := s.partitioned(p[1], &keys)
	exchange := func() {
		for range 2 {
			exchangeA()
			exchangeB()
		}
	}
	exchange()
	for range 3 {
		for range 6 {
			randomChange(t, random, []*person{a, b}[random.IntN(2)])
		}
		exchange()
		wantSame(t, a, b)
		if t.Failed() {
			return
		}
	}
}

// randomChange files one of a device's messages.
func randomChange(t *testing.T, random *rand.Rand, p *person) {
	t.Helper()
	items := p.has(t, "")
	if len(items) == 0 {
		return
	}
	it := items[random.IntN(len(items))]
	c := mail.Change{Folder: it.Folder, UID: it.UID}
	folders := []string{mail.Inbox, mail.ArchiveFolder, mail.TrashFolder, "Work"}
	flags := []mail.Flag{mail.Seen, mail.Flagged, mail.Answered, "$Todo", mail.Deleted}
	switch random.IntN(8) {
	case 0:
		c.Move = folders[random.IntN(len(folders))]
	case 1:
		c.Copy = folders[random.IntN(len(folders))]
	case 2:
		c.Remove = true
	case 3, 4:
		c.Clear = []mail.Flag{flags[random.IntN(len(flags))]}
	default:
		c.Set = []mail.Flag{flags[random.IntN(len(flags))]}
	}
	p.changes(t, c)
}

// TestFlagsOfBothSides: concurrent flags are kept, and the newest folder wins.
func TestFlagsOfBothSides(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	keys := []seal.Mailbox{seal.NewMailbox()}
	s.roster.start(p[1].Member(), keys[0])
	p[2].sends(t, text("ann", "Lunch", "x"))
	a, exchangeA := s.partitioned(p[1], &keys)
	b, exchangeB := s.partitioned(p[1], &keys)
	exchangeA()
	exchangeB()
	uid := func(p *person) uint32 { return p.has(t, mail.Inbox)[0].UID }
	a.changes(t, mail.Change{Folder: mail.Inbox, UID: uid(a), Set: []mail.Flag{mail.Seen, mail.Deleted}})
	b.changes(t, mail.Change{Folder: mail.Inbox, UID: uid(b), Set: []mail.Flag{mail.Flagged}})
	exchangeA()
	exchangeB()
	exchangeA()
	wantSame(t, a, b)
	if got := a.folders(t); !slices.Equal(got, []string{`INBOX Lunch [\Flagged \Seen]`}) {
		t.Errorf("%q", got)
	}
	b.changes(t, mail.Change{Folder: mail.Inbox, UID: uid(b), Clear: []mail.Flag{mail.Seen}})
	exchangeB()
	exchangeA()
	wantSame(t, a, b)
	if got := a.folders(t); !slices.Equal(got, []string{`INBOX Lunch [\Flagged]`}) {
		t.Errorf("after the conflict has ended: %q", got)
	}
}

// TestFilingByOthersIsIgnored: only the member's devices file its messages.
func TestFilingByOthersIsIgnored(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	ann, eve := p[1], p[3]
	later := s.device(ann, nil)
	sent := p[2].sends(t, text("ann", "Lunch", "x"))
	it := ann.has(t, mail.Inbox)[0]
	ann.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Move: "Kept"})
	key := "note/" + ann.Member().String() + "/" + sent.ID.String()
	for e := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindReceipt, Key: key}) {
		if _, err := eve.writer.Append(t.Context(), moot.Swap, sign.Statement{Kind: moot.KindReceipt, Key: key, Replaces: []moot.EntryID{e.ID}}); err != nil {
			t.Fatal(err)
		}
	}
	wantSame(t, ann, later)
	s.roster.link(ann.Member(), moot.Key{1}) // which has every filing read again
	wantSame(t, ann, later)
	if got := ann.folders(t); !slices.Equal(got, []string{"Kept Lunch []"}) {
		t.Errorf("eve filed ann's message: %q", got)
	}
}

// TestUnknownAuthorIsReadLater: no entry of a device that the directory lacks is lost.
func TestUnknownAuthorIsReadLater(t *testing.T) {
	s, p := gather(t, "owner", "ann")
	key := seal.NewKey()
	author := feed.NewAuthor(s.id, key, feed.NewClock(time.Now, 0), nil)
	stranger := s.roster.add("zoe", policy.RoleMember, seal.Public(key))
	signer, err := sign.New(t.Context(), sign.Config{Self: seal.Public(key), Author: author, Local: s.node})
	if err != nil {
		t.Fatal(err)
	}
	zoe := s.person(key, signer.Through(s.node))
	s.roster.mu.Lock()
	delete(s.roster.owners, zoe.Device())
	s.roster.mu.Unlock()
	zoe.sends(t, text("ann", "Hello", "x"))
	if got := p[1].has(t, ""); len(got) != 0 {
		t.Errorf("from a device that nobody knows: %+v", got)
	}
	s.roster.mu.Lock()
	s.roster.owners[zoe.Device()] = stranger
	s.roster.mu.Unlock()
	if got := p[1].has(t, mail.Inbox); len(got) != 1 || got[0].Author != stranger {
		t.Errorf("once it is known: %+v", got)
	}
}

// TestReceiptsByMember: the receipts of a member's devices are one.
func TestReceiptsByMember(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	phone := s.device(bob, nil)
	sent := ann.sends(t, text("bob", "Lunch", "x"))
	it := bob.has(t, mail.Inbox)[0]
	phoneIt := phone.has(t, mail.Inbox)[0]
	bob.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Set: []mail.Flag{mail.Seen}})
	phone.changes(t, mail.Change{Folder: mail.Inbox, UID: phoneIt.UID, Set: []mail.Flag{mail.Seen}})
	ann.has(t, mail.SentFolder)
	got, err := ann.Receipts(t.Context(), sent.ID)
	if err != nil || len(got) != 1 || got[0].Reader != bob.Member() || got[0].Delivered.IsZero() || got[0].Read.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	sealed := 0
	for e, err := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindReceipt, Prefix: sent.ID.String() + "/"}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Body) > 100 {
			sealed++
		}
	}
	if sealed != 1 {
		t.Errorf("%d read receipts of one member", sealed)
	}
}
