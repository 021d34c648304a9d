package suite

import (
	"bytes"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/policy"
)

// accessList: a peer serves only files under the names that it publishes, and no bytes to
// members whom it denies.
func accessList(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	ann.prefer(func(p *policy.Preferences) { p.Names = []string{"open/"} })
	closed := mustShare(t, ann, "closed/diary", []byte("for ann only"))
	open := mustShare(t, ann, "open/minutes", []byte("for everybody"))
	mustRead(t, bob, "open/minutes", []byte("for everybody"))
	mustRead(t, founder, "open/minutes", []byte("for everybody"))
	if got, err := read(t, bob, "closed/diary"); err == nil {
		t.Fatalf("a file that is not published was served: %q", got)
	}
	ann.prefer(func(p *policy.Preferences) { p.Deny = []moot.MemberID{bob.ID()} })
	get := func(by *Member, f moot.Blob) error {
		return w.ask(ann, by.key, func(c dial.Client) error {
			_, err := c.Have(t.Context(), f.ID)
			if err != nil {
				return err
			}
			rc, err := c.Get(t.Context(), f.ID, moot.Whole)
			if err == nil {
				err = rc.Close()
			}
			return err
		})
	}
	bob.close()
	wantKind(t, "a denied member asks for a published file", get(bob, open.Blob), moot.Denied)
	mustShare(t, ann, "open/agenda", []byte("new"))
	mustRead(t, founder, "open/agenda", []byte("new"))
	ann.prefer(func(p *policy.Preferences) { p.Deny = nil })
	w.must(get(bob, open.Blob))
	wantKind(t, "a member asks for what is not published", get(bob, closed.Blob), moot.NotFound)
}

// rateLimit: a node fetches no faster than its owner wants, and both ends count the bytes.
// The bound is on the least time that the limit allows for, which load only lengthens.
func rateLimit(t T, w *World) {
	founder, bob := w.Member(0), w.Member(2)
	const size = 1 << 20
	content := random(size)
	mustShare(t, founder, "large", content)
	w.Alike()
	status := func(m *Member) app.Status {
		s, err := m.Session().Control.Status(t.Context())
		w.must(err)
		return s
	}
	before := status(bob).Received
	bob.prefer(func(p *policy.Preferences) { p.DownloadRate = size })
	start := time.Now()
	mustRead(t, bob, "large", content)
	if took := time.Since(start); took < 800*time.Millisecond {
		t.Fatalf("%d bytes at %d a second took %v", size, size, took)
	}
	if n := status(bob).Received - before; n < size {
		t.Fatalf("the receiver counts %d bytes of %d", n, size)
	}
	if n := status(founder).Sent; n < size {
		t.Fatalf("the source counts %d bytes of %d", n, size)
	}
}

// entriesPushed: between connected peers entries arrive without a repair.
func entriesPushed(t T, w *World) {
	w.Alike()
	for i, m := range []*Member{w.Member(0), w.Member(1), w.Member(2)} {
		mustShare(t, m, string(rune('a'+i)), []byte("pushed"))
		w.Alike()
	}
}

// heldByServer: a server comes to hold what a member shares – uploaded if it is not among
// the peers, else mirrored –, and serves it when the member has stopped.
func heldByServer(t T, w *World) {
	server, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	content := random(3*blob.GroupSize + 1)
	f := mustShare(t, ann, "shared", content)
	Eventually(t, "the server holds what was shared", func() error {
		if !server.holds(t.Context(), f.Blob.ID) {
			return moot.Errorf(moot.NotFound, "the server lacks it")
		}
		return nil
	})
	ann.Stop()
	mustRead(t, bob, "shared", content)
	if rc, err := server.Store().Get(t.Context(), f.Blob.ID, moot.Whole); err != nil {
		t.Fatalf("%v", err)
	} else {
		var got bytes.Buffer
		if _, err := got.ReadFrom(blob.NewDecoder(rc, f.Blob.ID, moot.Whole)); err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Fatalf("the server holds %d bytes, %v", got.Len(), err)
		}
		w.must(rc.Close())
	}
}
