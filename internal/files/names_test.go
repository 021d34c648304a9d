package files_test

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// newSigner returns one more member, whose statements nothing checks.
func newSigner(s *store.Store, n byte) *signer {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	return &signer{feed.NewAuthor(moot.SpaceID{1}, key, feed.NewClock(time.Now, 0), nil), linear(s)}
}

// linear returns a store that decides about change sets.
func linear(s *store.Store) moot.Node { return files.Linear(s, files.NewIndex(s, files.IndexConfig{})) }

func TestUnusualNames(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	for _, name := range []string{strings.Repeat("n", 255), strings.Repeat("🎉", 63), "  two  spaces ", "a b/ü (1).txt", ".hidden", "-rf"} {
		_, err := f.Share(t.Context(), write(t, dir+"/in", name), files.ShareOptions{As: name})
		must(t, err)
		must(t, os.MkdirAll(dir+"/out", 0o700))
		got, err := f.Get(t.Context(), name, dir+"/out", nil)
		must(t, err)
		if content, err := os.ReadFile(got.Path); err != nil || string(content) != name {
			t.Errorf("%.20q holds %.20q, %v", name, content, err)
		}
	}
}

// TestAnIDIsNotAName: a member names other bytes by the ID of a blob.
func TestAnIDIsNotAName(t *testing.T) {
	s := newStore(t)
	f, dir := newFiles(s, 1), t.TempDir()
	original, err := f.Share(t.Context(), write(t, dir+"/real", "real"), files.ShareOptions{})
	must(t, err)
	_, err = newFiles(s, 2).Share(t.Context(), write(t, dir+"/false", "false"), files.ShareOptions{As: original.Blob.ID.String()})
	must(t, err)
	got, err := f.Get(t.Context(), original.Blob.ID.String(), dir+"/got", nil)
	if err != nil || got.Blob != original.Blob {
		t.Errorf("got %v, %v", got.Blob, err)
	}
	unused := strings.Repeat("ab", 32)
	_, err = f.Share(t.Context(), dir+"/real", files.ShareOptions{As: unused})
	must(t, err)
	if got, err := f.Get(t.Context(), unused, dir+"/got", nil); err != nil || got.Name != unused {
		t.Errorf("a name that only looks like an ID: %v, %v", got.Name, err)
	}
}

func TestALinkToAFolderIsTheFolder(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	write(t, dir+"/in/a", "a")
	must(t, os.Symlink("in", dir+"/link"))
	shared, err := f.Share(t.Context(), dir+"/link", files.ShareOptions{})
	if err != nil || !shared.Folder || shared.Size() != 1 {
		t.Errorf("shared %+v, %v", shared, err)
	}
}

// TestMoreVersionsThanOneEntryReplaces: a flood of versions can be ended.
func TestMoreVersionsThanOneEntryReplaces(t *testing.T) {
	s := newStore(t)
	f, dir := newFiles(s, 1), t.TempDir()
	_, err := f.Share(t.Context(), write(t, dir+"/a", "a"), files.ShareOptions{As: "plan"})
	must(t, err)
	flood := func() {
		p := newSigner(s, 3)
		must(t, p.resume(t))
		for i := range 2*moot.MaxReplaces + 3 {
			body := files.OldBody(t, files.File{Blob: moot.Blob{ID: moot.BlobID{1, byte(i)}}})
			_, err := p.Append(t.Context(), moot.Merge, sign.Statement{Kind: moot.KindFile, Key: "plan", Body: body})
			must(t, err)
		}
	}
	flood()
	versions, err := f.Conflicts(t.Context())
	must(t, err)
	last := versions[len(versions)-1]
	got, err := f.Resolve(t.Context(), "plan", last.Version.String())
	if err != nil || got.Blob != last.Blob {
		t.Errorf("resolved to %v, %v", got.Blob, err)
	}
	if list, err := f.List(t.Context(), "plan"); err != nil || len(list) != 1 || list[0].Conflict {
		t.Errorf("after it was resolved: %v, %v", list, err)
	}
	flood()
	must(t, f.Remove(t.Context(), "plan", files.RemoveOptions{}))
	if list, err := f.List(t.Context(), "plan"); err != nil || len(list) != 0 {
		t.Errorf("after it was removed: %v, %v", list, err)
	}
	history, err := f.History(t.Context(), "plan")
	if err != nil || !history[0].Deleted {
		t.Errorf("history: %v", err)
	}
	wantKind(t, "removed twice", f.Remove(t.Context(), "plan", files.RemoveOptions{}), moot.NotFound)
}

// resume continues the feed where it ends.
func (p *signer) resume(t *testing.T) error {
	me := p.author.Next(moot.KindFile, "probe", nil, nil).Author
	for e, err := range p.node.Query(t.Context(), moot.Query{Author: me, History: true}) {
		if err != nil {
			return err
		}
		p.author.Commit(e)
	}
	return nil
}
