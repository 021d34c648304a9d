package files

import (
	"bytes"
	"context"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

// Part is a file of a folder to be assembled. Without Data its blob is stored already.
type Part struct {
	Path string
	moot.Blob
	Data []byte // all of the content, or nothing
}

// ComparePaths orders paths as a walk of a directory does: by their elements.
func ComparePaths(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

// Assemble makes a folder of parts, which are ordered by ComparePaths, and gives it a name
// in the space, unless as is empty. Blobs that are stored already are referred to and not
// read. Times and permissions are fixed, so that equal parts make equal folders. Kind
// Invalid if two parts have the same path, or one lies below another.
func (fs *Files) Assemble(ctx context.Context, as string, parts iter.Seq2[Part, error]) (File, error) {
	f := File{Name: as, Folder: true, Frozen: true, Mode: 0o700, ModTime: time.Now().UTC()}
	if as != "" {
		if err := CheckName(as); err != nil {
			return f, err
		}
	}
	spool, err := os.CreateTemp("", "moot-folder-")
	if err != nil {
		return f, osError(err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	a := assembler{packer{files: fs, ctx: ctx, bare: true, count: counter(nil, 0), out: spool}, "."}
	for part, err := range parts {
		if err == nil {
			err = a.add(part)
		}
		if err != nil {
			return f, err
		}
	}
	if err := a.store(spool, &f); err != nil || as == "" {
		return f, err
	}
	if err := fs.o.Fresh(ctx); err != nil {
		return f, err
	}
	return fs.supersede(ctx, f, true, false)
}

// assembler is a packer of parts.
type assembler struct {
	packer
	last string // path of the part before
}

func (a *assembler) add(part Part) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	if a.last != "." && ComparePaths(a.last, part.Path) >= 0 || strings.HasPrefix(part.Path, a.last+"/") {
		return moot.Errorf(moot.Invalid, "%.200q and %.200q cannot both be in one folder", a.last, part.Path)
	}
	if err := a.folders(path.Dir(part.Path)); err != nil {
		return err
	}
	a.last = part.Path
	r := record{Kind: kindFile, Path: part.Path, Mode: 0o644, ID: part.ID[:], Size: part.Size}
	switch {
	case part.Size == 0, len(part.Data) > 0 && len(part.Data) < packBelow:
		return a.content(r, part.Data)
	case len(part.Data) > 0:
		b, err := a.files.node.Put(a.ctx, bytes.NewReader(part.Data))
		if err != nil {
			return err
		}
		r.ID, r.Size = b.ID[:], b.Size
	}
	a.total += part.Size
	return a.queue(r, false)
}

// folders records a folder and those above it, unless the part before lies in them too.
func (a *assembler) folders(dir string) error {
	if dir == "." || strings.HasPrefix(a.last, dir+"/") {
		return nil
	}
	if err := a.folders(path.Dir(dir)); err != nil {
		return err
	}
	return a.queue(record{Kind: kindFolder, Path: dir, Mode: 0o755}, false)
}
