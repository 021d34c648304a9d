package suite

import (
	"crypto/ed25519"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

func revoked(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, bob, "bob's", []byte("said before"))
	mustRead(t, ann, "bob's", []byte("said before"))
	w.Alike()
	_, err := founder.Members().Revoke(t.Context(), "bob", app.RevokeOptions{})
	w.must(err)
	_, err = share(t, bob, "late", []byte("said too late"))
	if w.Centralised() {
		wantKind(t, "a revoked member shares", err, moot.Revoked, moot.Denied)
	}
	bob.close()
	err = probe(t, founder, bob.key)
	wantKind(t, "a revoked member asks the founder, at once", err, moot.Revoked, moot.Denied, moot.Unavailable)
	if ann.hasPeers() {
		Eventually(t, "a peer refuses a revoked member", func() error {
			if err := probe(t, ann, bob.key); err == nil {
				return moot.Errorf(moot.Internal, "answered")
			}
			return nil
		})
	}
	mustRead(t, ann, "bob's", []byte("said before"))
	if found, err := names(t.Context(), ann, "late"); err != nil || len(found) != 0 {
		t.Fatalf("an entry of a revoked member is seen: %v, %v", found, err)
	}
}

func invitations(t T, w *World) {
	once := w.Invite(policy.RoleMember, 1, time.Hour)
	w.Join(once, "first")
	_, err := w.TryJoin(once, "second")
	wantKind(t, "a used-up invitation", err, moot.UsedUp)
	past := w.Invite(policy.RoleMember, 1, time.Second)
	for _, m := range []*Member{w.Member(0), w.Member(1), w.Member(2)} {
		m.skew.Store(int64(time.Minute))
	}
	_, err = w.TryJoin(past, "late")
	wantKind(t, "an expired invitation", err, moot.Expired)
	guest := w.Join(w.Invite(policy.RoleGuest, 1, time.Hour), "guest")
	mustShare(t, w.Member(0), "shown", []byte("x"))
	mustRead(t, guest, "shown", []byte("x"))
	_, err = share(t, guest, "written", []byte("y"))
	wantKind(t, "a guest writes", err, moot.Denied)
}

// probe asks a member's node for the least that it answers.
func probe(t T, m *Member, key ed25519.PrivateKey) error {
	return m.world.ask(m, key, func(c dial.Client) error {
		_, err := c.Vector(t.Context())
		return err
	})
}

func strangers(t T, w *World) {
	mustShare(t, w.Member(0), "secret", []byte("secret"))
	for _, m := range []*Member{w.Member(0), w.Member(1)} {
		if !m.isServer() && !m.hasPeers() {
			continue // it answers nobody
		}
		w.must(w.ask(m, seal.NewKey(), func(node dial.Client) error {
			refused := func(what string, err error) {
				t.Helper()
				wantKind(t, what, err, moot.Stranger, moot.Unavailable)
			}
			_, err := node.Vector(t.Context())
			refused("vector", err)
			for e, err := range node.Query(t.Context(), moot.Query{}) {
				if err == nil {
					t.Fatalf("a stranger receives %s", e.Key)
				}
				refused("query", err)
			}
			b, _ := blob.Hash(strings.NewReader("secret"))
			_, err = node.Get(t.Context(), b.ID, moot.Whole)
			refused("get", err)
			_, err = node.Have(t.Context(), b.ID)
			refused("have", err)
			_, err = node.Put(t.Context(), strings.NewReader("spam"))
			refused("put", err)
			_, err = node.Run(t.Context(), moot.Task{}, nil)
			refused("run", err)
			return nil
		}))
	}
}

// clockAhead: a member whose clock is wrong does not win for ever.
func clockAhead(t T, w *World) {
	ann, bob := w.Member(1), w.Member(2)
	ann.skew.Store(int64(5 * time.Minute))
	mustShare(t, ann, "plan", []byte("from the future"))
	mustRead(t, bob, "plan", []byte("from the future"))
	mustShare(t, bob, "plan", []byte("newer"))
	w.Alike()
	mustRead(t, ann, "plan", []byte("newer"))
	history, err := bob.Files().History(t.Context(), "plan")
	if err != nil || len(history) != 2 || history[0].Author != bob.Key() {
		t.Fatalf("history: %v, %v", history, err)
	}
}

// clockFarAhead: entries of members whose clocks are too far ahead are refused by all
// others, also those with which a server answers.
func clockFarAhead(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, ann, "plan", []byte("now"))
	mustRead(t, bob, "plan", []byte("now"))
	w.Alike()
	for _, m := range []*Member{founder, ann} {
		m.skew.Store(int64(time.Hour))
	}
	mustShare(t, ann, "plan", []byte("from the future"))
	mustRead(t, founder, "plan", []byte("from the future"))
	if f, err := bob.Files().Lookup(t.Context(), "plan"); err == nil && f.Time.Wall().After(time.Now().Add(feed.MaxDrift)) {
		t.Fatalf("an entry from the future is believed: %+v", f)
	}
	own, err := share(t, bob, "plan", []byte("bob's"))
	if err == nil && own.Time.Wall().After(time.Now().Add(feed.MaxDrift)) {
		t.Fatalf("the clock of the others is followed: %+v", own)
	}
}

// dishonest: one of two sources sends wrong bytes. The download completes, with right
// bytes only, and the log names the source.
func dishonest(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	content := random(40 * blob.GroupSize)
	mustShare(t, founder, "prize", content)
	if w.Centralised() {
		w.Alike()
		founder.dishonest.Store(true)
		_, err := read(t, bob, "prize")
		wantKind(t, "the server sends wrong bytes only", err, moot.Unavailable, moot.Corrupt)
		if !bob.Log.Names(founder.Key()) {
			t.Fatalf("the log does not name the dishonest source, which caused %v:\n%s", err, bob.Log)
		}
		return
	}
	mustRead(t, ann, "prize", content)
	w.Alike()
	ann.dishonest.Store(true)
	w.Cut(founder, bob) // leaves the dishonest source only
	Eventually(t, "the dishonest source is asked and named", func() error {
		_, err := read(t, bob, "prize")
		if err == nil {
			t.Fatalf("wrong bytes were accepted")
		}
		if !bob.Log.Names(ann.Key()) {
			return moot.Errorf(moot.Unavailable, "the log does not name the dishonest source, which caused %v:\n%s", err, bob.Log)
		}
		return nil
	})
	w.Heal()
	mustRead(t, bob, "prize", content)
}
