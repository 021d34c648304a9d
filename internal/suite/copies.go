package suite

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
)

// moment is what a member's home held at some time.
type moment struct {
	entries []moot.Entry
	blobs   [][]byte
	records string // directory of the small files
}

// remember returns what the home holds.
func (m *Member) remember() (then moment) {
	w := m.world
	w.t.Helper()
	ctx := w.t.Context()
	then.entries = everything(w.t, m)
	for b, err := range m.Store().Blobs(ctx) {
		w.must(err)
		rc, err := m.Store().Get(ctx, b.ID, moot.Whole)
		w.must(err)
		content, err := io.ReadAll(blob.NewDecoder(rc, b.ID, moot.Whole))
		rc.Close()
		if err == nil { // else a part of it is missing
			then.blobs = append(then.blobs, content)
		}
	}
	then.records = w.t.TempDir()
	w.must(copyRecords(m.dir, then.records))
	return then
}

// everything returns all entries that a member holds, in the order in which they came.
func everything(t T, m *Member) (entries []moot.Entry) {
	t.Helper()
	for e, err := range m.Store().Query(t.Context(), moot.Query{History: true, Replica: true}) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		entries = append(entries, e)
	}
	return entries
}

// copyRecords copies all files but databases and blobs.
func copyRecords(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		switch {
		case d.IsDir() && d.Name() == "blobs":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular() || strings.Contains(d.Name(), ".db"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o600)
	})
}

// put gives a node what a home held.
func (then moment) put(ctx context.Context, n *node.Node) error {
	if err := n.Store().Append(ctx, moot.Merge, then.entries...); err != nil {
		return err
	}
	for _, content := range then.blobs {
		if _, err := n.Store().Put(ctx, bytes.NewReader(content)); err != nil {
			return err
		}
	}
	return nil
}

// turnBack ends the node and starts it with what the home held before, cut off from
// everybody until Restart.
func (m *Member) turnBack(to moment) {
	w := m.world
	w.t.Helper()
	m.close()
	m.dir = w.t.TempDir()
	w.must(copyRecords(to.records, m.dir))
	m.setAway(true)
	w.must(m.start(to.put))
}

func (m *Member) setAway(away bool) {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	m.away = away
}

// succeed has a device of which the feed has forked go on as a new one, as a home does.
func (m *Member) succeed() {
	w, heir := m.world, seal.NewKey()
	w.t.Helper()
	Eventually(w.t, m.Name+" learns that its feed has forked", func() error {
		select {
		case <-m.node.Forked():
			return nil
		default:
			return moot.Errorf(moot.Unavailable, "it does not know")
		}
	})
	w.must(m.node.Succeed(w.t.Context(), heir))
	m.node.PassOn(w.t.Context())
	now := m.remember()
	m.close()
	m.old, m.key = append(m.old, m.key), heir
	if Stores[w.Store].Volatile {
		w.must(m.start(now.put))
		return
	}
	w.must(m.start(nil))
}

// ready reports why a restored home may not write yet.
func (m *Member) ready() error {
	if m.restored.Load() {
		return moot.Errorf(moot.Unavailable, "the home of %s was restored", m.Name)
	}
	return nil
}
