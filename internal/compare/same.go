package compare

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
)

// SameTree compares a file, or all regular files of a folder, with a copy. The error is
// of kind Corrupt if they differ.
func SameTree(original, copied string) error {
	return filepath.WalkDir(original, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(original, path)
		if err != nil {
			return err
		}
		same, err := sameFile(path, filepath.Join(copied, rel))
		if err == nil && !same {
			err = moot.Errorf(moot.Corrupt, "%s differs from the original", rel)
		}
		return err
	})
}

func sameFile(a, b string) (bool, error) {
	f, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer f.Close()
	g, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer g.Close()
	const size = 256 << 10
	x, y := make([]byte, size), make([]byte, size)
	for {
		n, errF := io.ReadFull(f, x)
		m, errG := io.ReadFull(g, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if ended(errF) || ended(errG) {
			return ended(errF) == ended(errG), nil
		}
		if err := errors.Join(errF, errG); err != nil {
			return false, err
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
