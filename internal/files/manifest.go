package files

import (
	"bufio"
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"iter"
	"path"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/tree"
)

// A folder is a blob of its own, its manifest: a CBOR sequence (RFC 8742) with a
// record for everything in it, every directory's in the order of their names. Small
// files are concatenated in packs, so that a hundred thousand of them cost
// few blobs, few fsyncs and few round trips.
type record struct {
	_       struct{} `cbor:",toarray"`
	Kind    uint8
	Path    string // relative to the folder
	Mode    uint32 // permission bits
	ModTime int64  // ns since 1970; 0: unknown
	Size    int64
	ID      []byte // BLAKE3 of the content; of a symbolic link: nil
	Pack    []byte // the blob that holds the content at Offset; nil: it is a blob itself
	Offset  int64
	Target  string // of a symbolic link
}

const (
	kindFile uint8 = iota
	kindFolder
	kindSymlink
)

const (
	maxRecord = 16 << 10 // bytes of an encoded record
	packBelow = 256 << 10
	packSize  = 16 << 20
	packFiles = 16 << 10 // files in a pack: bounds the records that wait for its name
)

// check validates a record, which may be hostile.
func (r *record) check() error {
	bad := func(why string) error { return moot.Errorf(moot.Invalid, "a damaged folder: %.200q %s", r.Path, why) }
	switch {
	case !iofs.ValidPath(r.Path) || r.Path == ".":
		return bad("leaves the folder")
	case tree.CheckPath(r.Path) != nil:
		return bad("has too long a path")
	case r.Size < 0 || r.Size > blob.MaxSize || r.Offset < 0 || r.Offset > blob.MaxSize:
		return bad("has an impossible size")
	case r.Kind == kindSymlink:
		if !staysWithin(r.Path, r.Target) {
			return bad("is a link that leaves the folder")
		}
		return nil
	case r.Kind == kindFolder:
		return nil
	case r.Kind != kindFile:
		return bad("is of an unknown kind")
	case len(r.ID) != len(moot.BlobID{}) || r.Pack != nil && len(r.Pack) != len(moot.BlobID{}):
		return bad("has no ID")
	}
	return nil
}

// staysWithin reports whether a symbolic link stays inside the folder. A
// ".." after a name is refused, because that name may be a link itself: with s → ".",
// what reads like the folder in "s/.." is the one above it.
func staysWithin(link, target string) bool {
	if target == "" || strings.ContainsRune(target, 0) || path.IsAbs(target) || !iofs.ValidPath(path.Join(path.Dir(link), target)) {
		return false
	}
	named := false
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if named {
				return false
			}
		default:
			named = true
		}
	}
	return true
}

// records reads a manifest. Errors are yielded last.
func records(in io.Reader) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		budget := &io.LimitedReader{R: bufio.NewReaderSize(in, 64<<10)}
		dec := decoder.Sequence(budget)
		for {
			var r record
			budget.N = 4 * maxRecord
			err := dec.Decode(&r)
			if errors.Is(err, io.EOF) && budget.N > 0 {
				return
			}
			if err == nil {
				err = r.check()
			} else if moot.KindOf(err) == moot.Internal {
				err = moot.Errorf(moot.Invalid, "a damaged folder: %w", err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// manifest opens a folder's manifest.
func (fs *Files) manifest(ctx context.Context, list moot.Blob) (io.ReadCloser, error) {
	rc, err := fs.node.Get(ctx, list.ID, moot.Whole)
	if err != nil {
		return nil, err
	}
	return reader{blob.NewDecoder(rc, list.ID, moot.Whole), rc}, nil
}

// reader is verified content and what it is read from.
type reader struct {
	*blob.Decoder
	io.Closer
}

// Parts yields the blobs that a folder consists of, other than its manifest: packs
// and large files. Of a pack only the ID is known.
func (fs *Files) Parts(ctx context.Context, folder File) iter.Seq2[moot.Blob, error] {
	return func(yield func(moot.Blob, error) bool) {
		in, err := fs.manifest(ctx, folder.Blob)
		if err != nil {
			yield(moot.Blob{}, err)
			return
		}
		defer in.Close()
		var last moot.BlobID
		for r, err := range records(in) {
			if err != nil {
				yield(moot.Blob{}, err)
				return
			}
			switch {
			case r.Kind != kindFile:
			case r.Pack == nil:
				if !yield(moot.Blob{ID: moot.BlobID(r.ID), Size: r.Size}, nil) {
					return
				}
			case moot.BlobID(r.Pack) != last:
				last = moot.BlobID(r.Pack)
				if !yield(moot.Blob{ID: last}, nil) {
					return
				}
			}
		}
	}
}

// Inputs yields the files in a folder, in the order of its manifest, as a task finds
// them. Folders as such and links are left out. Errors are yielded last.
func (fs *Files) Inputs(ctx context.Context, folder moot.BlobID) iter.Seq2[moot.Input, error] {
	return func(yield func(moot.Input, error) bool) {
		in, err := fs.manifest(ctx, moot.Blob{ID: folder})
		if err != nil {
			yield(moot.Input{}, err)
			return
		}
		defer in.Close()
		for r, err := range records(in) {
			if err != nil {
				yield(moot.Input{}, err)
				return
			}
			if r.Kind != kindFile {
				continue
			}
			input := moot.Input{Path: r.Path, ID: moot.BlobID(r.ID), Size: r.Size, Offset: r.Offset}
			if r.Pack != nil {
				input.Pack = moot.BlobID(r.Pack)
			}
			if !yield(input, nil) {
				return
			}
		}
	}
}
