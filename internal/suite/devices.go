package suite

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
)

// secondDevice: what one device of a member does, the others do, too: files are the
// member's, and its jobs are cancelled and retried from any of its devices.
func secondDevice(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	phone := w.AddDevice(ann, "phone")
	if phone.ID() != ann.ID() || phone.Key() == ann.Key() {
		t.Fatalf("the device acts for %s, not %s", phone.ID().Short(), ann.ID().Short())
	}
	mustShare(t, phone, "photo", []byte("by the phone"))
	mustRead(t, ann, "photo", []byte("by the phone"))
	mustRead(t, bob, "photo", []byte("by the phone"))
	w.Alike()
	f, err := bob.Files().Lookup(t.Context(), "photo")
	if err != nil || f.By != ann.ID() || f.Author != phone.Key() {
		t.Fatalf("by %s, signed by %s: %v", f.By.Short(), f.Author.Short(), err)
	}
	lend(w, 1, founder)
	j := submit(t, ann, "results", 200*time.Millisecond)
	j = follow(t, ann, j.ID, func(j jobs.Job) bool { return j.State == jobs.Running })
	w.Alike()
	wantKind(t, "another member cancels the job", bob.Jobs().Cancel(t.Context(), j.ID), moot.Denied)
	w.must(phone.Jobs().Cancel(t.Context(), j.ID))
	follow(t, ann, j.ID, func(j jobs.Job) bool { return j.State == jobs.Cancelled })
	w.Alike()
	w.must(phone.Jobs().Retry(t.Context(), j.ID))
	w.Alike()
	if j = follow(t, ann, j.ID, done); j.By != ann.ID() || j.Progress.Done != 8 {
		t.Fatalf("%+v", j)
	}
}
