package backup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// prune drops all backups but the newest, and then what no other names. Names go first: an
// interruption leaves data that the next time removes.
func (w *writer) prune() error {
	names, err := Lists(w.dir)
	if err != nil || w.o.Keep <= 0 {
		return err
	}
	old := names[:max(0, len(names)-w.o.Keep)]
	named := map[string]bool{}
	v := verifier{dir: w.dir, seen: named}
	for _, name := range names[len(old):] {
		l, err := Open(w.dir, name)
		if err != nil {
			return moot.Wrap("nothing is dropped: a backup that stays cannot be read", err)
		}
		v.eachPart(l, func(string, moot.Blob) {})
	}
	for _, name := range old {
		if err := os.Remove(listPath(w.dir, name)); err != nil {
			return err
		}
		w.report.Dropped++
	}
	if err := durable.SyncFolder(filepath.Join(w.dir, listsFolder)); err != nil {
		return err
	}
	for _, folder := range []string{blobsFolder, packsFolder, partsFolder} {
		if err := w.sweep(folder, named); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes files of the backup that are not named; what is not of the backup stays.
func (w *writer) sweep(folder string, named map[string]bool) error {
	return filepath.WalkDir(filepath.Join(w.dir, folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || named[path] {
			return err
		}
		if _, err := moot.ParseBlobID(d.Name()); err != nil {
			return nil
		}
		info, err := d.Info()
		if err == nil {
			err = os.Remove(path)
		}
		if err == nil {
			w.report.Freed += info.Size()
		}
		return err
	})
}

// removeAll empties a folder.
func removeAll(folder string) error {
	found, err := os.ReadDir(folder)
	for _, f := range found {
		err = errors.Join(err, os.Remove(filepath.Join(folder, f.Name())))
	}
	return err
}
