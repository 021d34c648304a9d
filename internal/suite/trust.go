package suite

import (
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/policy"
)

func revoked(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, bob, "bob's", []byte("said before"))
	mustRead(t, ann, "bob's", []byte("said before"))
	w.Alike()
	_, err := founder.Members().Revoke(t.Context(), "bob")
	w.must(err)
	at := founder.peer()
	server, err := bob.dial(at)
	w.must(err)
	_, err = server.Vector(t.Context())
	wantKind(t, "the revoked asks the server, at once", err, moot.Revoked, moot.Denied, moot.Unavailable)
	Eventually(t, "a peer refuses the revoked", func() error {
		node, err := bob.dial(ann.peer())
		w.must(err)
		if _, err = node.Vector(t.Context()); err == nil {
			return moot.Errorf(moot.Internal, "answered")
		}
		return nil
	})
	share(t, bob, "late", []byte("said too late"))
	mustRead(t, ann, "bob's", []byte("said before"))
	if found, err := names(t.Context(), ann, "late"); err != nil || len(found) != 0 {
		t.Fatalf("what a revoked member says is seen: %v, %v", found, err)
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

func strangers(t T, w *World) {
	mustShare(t, w.Member(0), "secret", []byte("secret"))
	stranger := w.stranger()
	for _, m := range []*Member{w.Member(0), w.Member(1)} {
		node, err := stranger.link.Dial(stranger, m.peer())
		w.must(err)
		_, err = node.Vector(t.Context())
		wantKind(t, "vector", err, moot.Stranger, moot.Unavailable)
		for e, err := range node.Query(t.Context(), moot.Query{}) {
			if err == nil {
				t.Fatalf("a stranger is told of %s", e.Key)
			}
			wantKind(t, "query", err, moot.Stranger, moot.Unavailable)
		}
		b, _ := blob.Hash(strings.NewReader("secret"))
		_, err = node.Get(t.Context(), b.ID, moot.Whole)
		wantKind(t, "get", err, moot.Stranger, moot.Unavailable)
		_, err = node.Have(t.Context(), b.ID)
		wantKind(t, "have", err, moot.Stranger, moot.Unavailable)
		_, err = node.Put(t.Context(), strings.NewReader("spam"))
		wantKind(t, "put", err, moot.Stranger, moot.Unavailable)
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

// liar: of two holders one sends wrong bytes. The download completes, with right
// bytes only, and the log says who lied.
func liar(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	content := random(40 * blob.GroupSize)
	mustShare(t, founder, "prize", content)
	if w.Centralised() {
		w.Alike()
		founder.Stop()
		founder.lies = lie
		founder.Restart()
		_, err := read(t, bob, "prize")
		wantKind(t, "all that the server sends is wrong", err, moot.Unavailable, moot.Corrupt)
		if !bob.Log.Names(founder.Key()) {
			t.Fatalf("the log does not name the liar, who caused %v:\n%s", err, bob.Log)
		}
		return
	}
	mustRead(t, ann, "prize", content)
	w.Alike()
	ann.Stop()
	ann.lies = lie
	ann.Restart()
	w.Cut(founder, bob) // so that the liar is asked first
	Eventually(t, "the liar is found again, asked and named", func() error {
		_, err := read(t, bob, "prize")
		if err == nil {
			t.Fatalf("wrong bytes were taken")
		}
		if !bob.Log.Names(ann.Key()) {
			return moot.Errorf(moot.Unavailable, "the log does not name the liar, who caused %v:\n%s", err, bob.Log)
		}
		return nil
	})
	w.Heal()
	mustRead(t, bob, "prize", content)
}
