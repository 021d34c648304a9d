package mail_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
)

// replica is another node of a space, with a relay that runs.
type replica struct {
	*mail.Relay
	space            *space
	node             *store.Store
	fetched, dropped chan moot.BlobID
}

func (s *space) replica(limits mail.Limits) *replica {
	s.t.Helper()
	node := s.store(nil)
	r := &replica{space: s, node: node}
	r.start(node, limits)
	return r
}

// start runs a relay over a store until the test ends.
func (r *replica) start(node *store.Store, limits mail.Limits) {
	r.fetched, r.dropped = make(chan moot.BlobID, 16), make(chan moot.BlobID, 16)
	ctx, cancel := context.WithCancel(r.space.t.Context())
	r.Relay = mail.NewRelay(mail.RelayConfig{
		Feeds: node, Index: r.space.index, Self: seal.Public(seal.NewKey()), Roster: r.space.roster,
		Have: func(ctx context.Context, id moot.BlobID) bool {
			h, err := node.Have(ctx, id)
			return err == nil && h.Complete()
		},
		Fetch: func(ctx context.Context, id moot.BlobID) error {
			err := r.copyBlob(ctx, id)
			r.fetched <- id
			return err
		},
		Drop: func(ctx context.Context, id moot.BlobID) error {
			err := node.Drop(ctx, id)
			r.dropped <- id
			return err
		},
		Online: func() []moot.Key { return nil },
		Limits: func() mail.Limits { return limits },
	})
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.space.t.Cleanup(func() { cancel(); <-ended })
}

func (r *replica) copyBlob(ctx context.Context, id moot.BlobID) error {
	rc, err := r.space.node.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = r.node.Put(ctx, blob.NewDecoder(rc, id, moot.Whole))
	return err
}

// pull brings the entries of the space's node to the replica.
func (r *replica) pull(t *testing.T) {
	t.Helper()
	have, err := r.node.Vector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range r.space.node.Query(t.Context(), moot.Query{History: true, Replica: true, Since: have}) {
		if err == nil {
			err = r.node.Append(t.Context(), moot.Merge, e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// next waits for an event about a message.
func next(t *testing.T, from <-chan moot.BlobID) moot.BlobID {
	t.Helper()
	select {
	case id := <-from:
		return id
	case <-time.After(20 * time.Second):
		t.Fatal("nothing happened")
		return moot.BlobID{}
	}
}

func TestRelayHoldsUntilReceipt(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	ann, bob, eve := p[1], p[2], p[3]
	r := s.replica(mail.Limits{})
	sent := ann.sends(t, text("bob, eve", "Lunch", "At noon?"))
	r.pull(t)
	if got := next(t, r.fetched); got != sent.ID {
		t.Errorf("fetched %v", got)
	}
	if r.PendingBytes(bob.Member()) == 0 || r.PendingBytes(eve.Member()) == 0 || r.PendingBytes(ann.Member()) != 0 {
		t.Errorf("pending: %d for bob, %d for eve, %d for ann", r.PendingBytes(bob.Member()), r.PendingBytes(eve.Member()), r.PendingBytes(ann.Member()))
	}
	r.Reclaim(t.Context(), sent.ID) // refused: nobody has it yet
	if !r.IsMessage(t.Context(), sent.ID) || r.IsMessage(t.Context(), moot.BlobID{1}) {
		t.Error("IsMessage does not follow the announcements")
	}
	bob.has(t, mail.Inbox)
	r.pull(t)
	if h, err := r.node.Have(t.Context(), sent.ID); err != nil || !h.Complete() {
		t.Errorf("dropped before eve had it: %+v, %v", h, err)
	}
	eve.has(t, mail.Inbox)
	r.pull(t)
	if got := next(t, r.dropped); got != sent.ID || len(r.dropped) != 0 {
		t.Errorf("dropped %v, and %d more", got, len(r.dropped))
	}
	if h, err := r.node.Have(t.Context(), sent.ID); moot.KindOf(err) != moot.NotFound {
		t.Errorf("still held: %+v, %v", h, err)
	}
}

func TestRelayDropsRetractedDraft(t *testing.T) {
	s, p := gather(t, "owner", "ann")
	r := &replica{space: s, node: s.node}
	r.start(s.node, mail.Limits{})
	r.Add(p[1].Account)
	it, err := p[1].Save(t.Context(), mail.DraftsFolder, nil, time.Now(), text("bob", "Perhaps", "not"))
	if err != nil {
		t.Fatal(err)
	}
	p[1].changes(t, mail.Change{Folder: it.Folder, UID: it.UID, Remove: true})
	if got := next(t, r.dropped); got != it.ID {
		t.Errorf("dropped %v", got)
	}
}

// TestRelayWakesAccounts lets a message arrive in an account that runs.
func TestRelayWakesAccounts(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	r := &replica{space: s, node: s.node}
	r.start(s.node, mail.Limits{Copies: -1})
	r.Add(bob.Account)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	changes, ended := bob.Watch(ctx), make(chan struct{})
	go func() { bob.Run(ctx); close(ended) }()
	ann.sends(t, text("bob", "Lunch", "At noon?"))
	arrived := false
	for folders := range changes {
		if arrived = slices.Contains(folders, mail.Inbox); arrived {
			break
		}
	}
	cancel()
	<-ended
	if !arrived {
		t.Error("nothing arrived")
	}
}

// TestNoReadReceipts sends delivery receipts only.
func TestNoReadReceipts(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	cfg := s.config(p[2].key, p[2].writer)
	cfg.SendReceipts = func() bool { return false }
	bob := &person{s.account(cfg), p[2].writer, p[2].key}
	sent := p[1].sends(t, text("bob", "Lunch", "At noon?"))
	it := bob.has(t, mail.Inbox)[0]
	bob.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Set: []mail.Flag{mail.Seen}})
	p[1].has(t, mail.SentFolder)
	got, err := p[1].Receipts(t.Context(), sent.ID)
	if err != nil || len(got) != 1 || got[0].Delivered.IsZero() || !got[0].Read.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReplicate(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	cfg := s.config(p[1].key, p[1].writer)
	cfg.Replicate = func(ctx context.Context, id moot.BlobID, to []moot.MemberID) int {
		if _, limited := ctx.Deadline(); !limited || len(to) != 1 || to[0] != p[2].Member() {
			t.Errorf("replicate %v to %v", id, to)
		}
		return 3
	}
	sent, err := s.account(cfg).Send(t.Context(), mail.Outgoing{MIME: text("bob", "x", "x"), Wait: time.Second})
	if err != nil || sent.Holders != 3 {
		t.Errorf("%+v, %v", sent, err)
	}
}
