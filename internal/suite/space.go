package suite

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/folders"
)

// spaceReturns: after weeks of work all is freed but what is in force or retained, and that
// can still be had by everybody, although nodes collect and restart all the time.
func spaceReturns(t T, w *World) {
	const days, newest, large = 21, 10, moot.MaxSmall + 1000 // the newest ten versions stay, however old
	all := []*Member{w.Member(0), w.Member(1), w.Member(2)}
	dir := t.TempDir()
	_, err := all[1].Session().Folders.Add(t.Context(), dir, folders.Options{Name: "team"})
	w.must(err)
	wrote := map[string][][]byte{} // versions of each name, the newest last
	mustSend(t, all[0], message(all[1].Name, "early", "the first day"))
	var written int64
	for day := range days {
		for i, m := range all {
			content := random([]int{300, large}[(day+i)%2])
			mustShare(t, m, "log/"+m.Name, content)
			wrote["log/"+m.Name] = append(wrote["log/"+m.Name], content)
			written += int64(len(content))
		}
		w.must(os.WriteFile(filepath.Join(dir, "plan"), fmt.Appendf(nil, "day %d", day), 0o600))
		if day%9 == 4 {
			m := all[day/9%len(all)]
			m.Stop()
			m.Restart()
		}
		if day%3 == 0 {
			collect(w, all...)
		}
		turn(all, 1)
	}
	last := fmt.Appendf(nil, "day %d", days-1)
	mustRead(t, all[0], "team/plan", last) // it was sent
	w.Alike()
	turn(all, 60)
	freed := collect(w, all...)
	t.Logf("%d bytes were written; the last collection freed %+v", written, freed)
	for name, versions := range wrote {
		for _, m := range all {
			mustRead(t, m, name, versions[days-1])
		}
		retained(t, all, name, versions[days-newest:])
	}
	mustRead(t, all[0], "team/plan", last)
	mustHave(t, all[1], "INBOX", "early")
	for _, m := range all {
		use, err := m.Store().Usage(t.Context())
		w.must(err)
		if use.Bytes > written*(newest+1)/days {
			t.Fatalf("%d bytes were written, and %s still holds %d", written, m.Name, use.Bytes)
		}
	}
}

// turn has members' clocks go on by days.
func turn(members []*Member, days int) {
	for _, m := range members {
		m.skew.Add(int64(days) * int64(24*time.Hour))
	}
}

// collect has members free what nothing needs, and sums up what went.
func collect(w *World, members ...*Member) (sum app.Garbage) {
	for _, m := range members {
		g, err := m.Session().Control.Collect(w.t.Context(), app.GarbageOptions{})
		w.must(err)
		sum.Blobs, sum.Bytes = sum.Blobs+g.Blobs, sum.Bytes+g.Bytes
	}
	return sum
}

// retained wants versions of a name to be had by their IDs.
func retained(t T, members []*Member, name string, versions [][]byte) {
	t.Helper()
	history, err := members[0].Files().History(t.Context(), name)
	if err != nil || len(history) < len(versions) {
		t.Fatalf("%s has %d versions, %v", name, len(history), err)
	}
	for _, content := range versions {
		found := false
		for _, f := range history[:len(versions)] {
			for _, m := range members {
				rc, _, err := m.Files().Open(t.Context(), f.Version.String(), moot.Whole)
				if err != nil {
					t.Fatalf("%s opens a version of %s: %v", m.Name, name, err)
				}
				got, err := io.ReadAll(rc)
				found = found || err == nil && bytes.Equal(got, content)
				_ = rc.Close() // it was read
			}
		}
		if !found {
			t.Fatalf("a version of %s is not to be had: %x", name, content[:4])
		}
	}
}
