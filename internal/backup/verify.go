package backup

import (
	"bufio"
	"context"
	"errors"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Verify reads every byte that lists name, each once. The error names each part that is
// damaged or missing; kind Corrupt. progress is called with the bytes read; nil: none.
func Verify(ctx context.Context, dir string, progress func(done, total int64), lists ...List) error {
	v := verifier{dir: dir, progress: progress, seen: map[string]bool{}}
	for _, l := range lists {
		v.eachPart(l, func(_ string, b moot.Blob) { v.total += b.Size })
	}
	clear(v.seen)
	for _, l := range lists {
		v.eachPart(l, func(path string, b moot.Blob) {
			if ctx.Err() == nil {
				v.check(path, b)
			}
		})
		if ctx.Err() == nil {
			v.files(l)
		}
	}
	if v.all == nil {
		return ctx.Err()
	}
	return moot.Errorf(moot.Corrupt, "the backup is damaged: %w", v.all)
}

type verifier struct {
	dir         string
	progress    func(done, total int64)
	seen        map[string]bool
	done, total int64
	all         error
}

// eachPart calls do for each file of the backup that a list names, unless another has.
func (v *verifier) eachPart(l List, do func(path string, b moot.Blob)) {
	once := func(path string, b moot.Blob) {
		if !v.seen[path] {
			v.seen[path] = true
			do(path, b)
		}
	}
	for _, b := range l.Parts {
		once(packPath(v.dir, partsFolder, b.ID), b)
	}
	for _, b := range l.Packs {
		once(packPath(v.dir, packsFolder, b.ID), b)
	}
	for _, b := range l.Blobs {
		once(blobPath(v.dir, b.ID), b)
	}
}

func (v *verifier) check(path string, want moot.Blob) {
	if err := checkFile(path, want); err != nil {
		v.all = errors.Join(v.all, moot.Wrap(path, err))
		if filepath.Dir(path) == filepath.Join(v.dir, packsFolder) {
			v.all = errors.Join(v.all, damagedIn(path))
		}
	}
	v.done += want.Size
	if v.progress != nil {
		v.progress(v.done, v.total)
	}
}

// files finds files of the home that lack a part.
func (v *verifier) files(l List) {
	parts := newParts(v.dir, l)
	defer parts.close()
	for _, f := range l.Files {
		for _, id := range f.Parts {
			if _, ok := parts.at[id]; !ok {
				v.all = errors.Join(v.all, moot.Errorf(moot.Corrupt, "%s is not whole", f.Name))
				break
			}
		}
	}
}

// damagedIn names the blobs of a pack that are damaged.
func damagedIn(pack string) (all error) {
	f, err := openFile(pack)
	if err != nil {
		return nil // the pack is named
	}
	defer f.Close()
	for _, err := range Small(bufio.NewReader(f)) {
		all = errors.Join(all, err)
	}
	return all
}

func checkFile(path string, want moot.Blob) error {
	f, err := openFile(path)
	if err != nil {
		return err
	}
	got, err := blob.Hash(f)
	if err = errors.Join(err, f.Close()); err == nil && got != want {
		err = moot.Errorf(moot.Corrupt, "the bytes are not those that were written")
	}
	return err
}
