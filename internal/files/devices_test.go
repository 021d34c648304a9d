package files_test

import (
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sign"
)

// TestByWhom: a file is shown as its member's, whichever device signed it; a conflict
// between two devices of a member is listed and resolved as any other.
func TestByWhom(t *testing.T) {
	s := newStore(t)
	ann := moot.MemberID{1}
	strangers := map[moot.Key]bool{}
	device := func(n byte) (*files.Files, *signer) {
		p := newSigner(s, n)
		key := p.author.Next(moot.KindFile, "probe", nil, nil).Author
		strangers[key] = n > 2
		return files.New(s, p, files.Options{Member: func(k moot.Key) (moot.MemberID, bool) { return ann, !strangers[k] }}), p
	}
	laptop, laptopSigner := device(1)
	phone, _ := device(2)
	stranger, _ := device(3)
	put := func(fs *files.Files, name, text string) files.File {
		t.Helper()
		f, err := fs.Write(t.Context(), name, strings.NewReader(text), files.WriteOptions{Force: true})
		must(t, err)
		return f
	}
	one := put(laptop, "doc", "one")
	if two := put(phone, "doc", "two"); one.By != ann || two.By != ann || one.Author == two.Author {
		t.Fatalf("by %s and %s", one.By.Short(), two.By.Short())
	}
	body := files.OldBody(t, files.File{Blob: moot.Blob{ID: moot.BlobID{1}}})
	_, err := sign.One(t.Context(), laptopSigner, moot.Merge, sign.Statement{Kind: moot.KindFile, Key: "doc", Body: body}) // it knew of no version
	must(t, err)
	list, err := phone.Conflicts(t.Context())
	must(t, err)
	if len(list) != 2 || list[0].By != ann || list[1].By != ann || list[0].Author == list[1].Author {
		t.Fatalf("%+v", list)
	}
	if f, err := phone.Resolve(t.Context(), "doc", ""); err != nil || f.By != ann || f.Conflict {
		t.Errorf("%+v, %v", f, err)
	}
	if f := put(stranger, "other", "three"); !f.By.IsZero() || f.Author == (moot.Key{}) {
		t.Errorf("a device of nobody: %+v", f)
	}
	moved, err := laptop.Move(t.Context(), "other", "mine", files.MoveOptions{})
	if err != nil || moved.By != ann || moved.Author != one.Author {
		t.Errorf("%+v, %v", moved, err)
	}
}
