package files

import (
	"bytes"
	"context"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/cbor"
)

// packer turns a directory into blobs and a manifest. The manifest is written to a
// temporary file first, because what it names must be stored before it.
type packer struct {
	files   *Files
	ctx     context.Context //nolint:containedctx // of one walk, which its methods share
	root    string
	inPlace bool
	bare    bool
	count   func(int)
	out     io.Writer
	pack    bytes.Buffer
	waiting []queued // what is to be recorded once pack has a name
	total   int64
	skipped []Skipped
}

// queued is a record that waits for the name of its pack.
type queued struct {
	record
	packed bool // its content is in the pack
}

// storeFolder stores a folder as a frozen one, and tells what it left out.
func (fs *Files) storeFolder(ctx context.Context, root string, f *File, o ShareOptions) ([]Skipped, error) {
	if o.InPlace && fs.o.Linker == nil {
		return nil, errNotInPlace()
	}
	root, err := filepath.EvalSymlinks(root) // WalkDir would not enter a link
	if err != nil {
		return nil, osError(err)
	}
	total, err := contentOf(root, o.Progress != nil)
	if err != nil {
		return nil, err
	}
	spool, err := os.CreateTemp("", "moot-folder-")
	if err != nil {
		return nil, osError(err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	p := &packer{files: fs, ctx: ctx, root: root, inPlace: o.InPlace, bare: o.Bare, count: counter(o.Progress, total), out: spool}
	if err := filepath.WalkDir(root, p.add); err != nil {
		return nil, osError(err)
	}
	return p.skipped, p.store(spool, f)
}

// store stores the last pack, and then the manifest.
func (p *packer) store(manifest io.ReadSeeker, f *File) error {
	err := p.closePack()
	if err != nil {
		return err
	}
	if _, err := manifest.Seek(0, io.SeekStart); err != nil {
		return osError(err)
	}
	f.Blob, err = p.files.node.Put(p.ctx, manifest)
	f.Content = p.total
	return err
}

// contentOf adds up the sizes of the files in a folder, if progress is wanted.
func contentOf(root string, wanted bool) (total int64, err error) {
	if !wanted {
		return 0, nil
	}
	err = filepath.WalkDir(root, func(_ string, d iofs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info iofs.FileInfo
			if info, err = d.Info(); err == nil {
				total += info.Size()
			}
		}
		return err
	})
	return total, osError(err)
}

// add adds one directory entry.
func (p *packer) add(path string, d iofs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	rel, err := filepath.Rel(p.root, path)
	if err != nil || rel == "." {
		return err
	}
	if !utf8.ValidString(rel) {
		p.skipped = append(p.skipped, Skipped{rel, "its name is not UTF-8"})
		if d.IsDir() {
			return filepath.SkipDir
		}
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	r := record{Path: filepath.ToSlash(rel)}
	switch {
	case !p.bare:
		r.Mode, r.ModTime = uint32(info.Mode().Perm()), info.ModTime().UnixNano()
	case d.IsDir():
		r.Mode = 0o755
	default:
		r.Mode = 0o644
	}
	switch {
	case d.IsDir():
		r.Kind = kindFolder
		return p.queue(r, false)
	case d.Type()&iofs.ModeSymlink != 0:
		return p.symlink(path, r)
	case !d.Type().IsRegular():
		p.skipped = append(p.skipped, Skipped{rel, "it is neither a file, a folder nor a link"})
		return nil
	case info.Size() < packBelow:
		return p.small(path, r)
	}
	return p.large(path, r)
}

// symlink records a link that stays within the folder; another could not be followed
// where the folder is fetched.
func (p *packer) symlink(path string, r record) error {
	target, err := os.Readlink(path)
	if err != nil {
		return err
	}
	r.Kind, r.Target = kindSymlink, filepath.ToSlash(target)
	if r.check() != nil {
		p.skipped = append(p.skipped, Skipped{r.Path, "it is a link that leaves the folder"})
		return nil
	}
	return p.queue(r, false)
}

// small adds a file to the pack, unless it has grown too large meanwhile.
func (p *packer) small(path string, r record) error {
	content, err := readBelow(path, packBelow)
	if err != nil {
		return err
	}
	if len(content) == packBelow {
		return p.large(path, r)
	}
	return p.content(r, content)
}

// content adds a file's content to the pack.
func (p *packer) content(r record, content []byte) error {
	b, err := hashOf(content)
	if err != nil {
		return err
	}
	if p.pack.Len()+len(content) > packSize {
		if err := p.closePack(); err != nil {
			return err
		}
	}
	r.ID, r.Size, r.Offset = b.ID[:], b.Size, int64(p.pack.Len())
	p.pack.Write(content)
	p.total += r.Size
	p.count(len(content))
	return p.queue(r, true)
}

// readBelow reads a file, but no more than limit bytes.
func readBelow(path string, limit int64) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, limit))
}

// large stores a file as a blob of its own.
func (p *packer) large(path string, r record) (err error) {
	var b moot.Blob
	if p.inPlace {
		b, err = p.files.o.Linker.Link(p.ctx, path)
	} else {
		b, err = p.files.putFile(p.ctx, path, p.count)
	}
	if err != nil {
		return err
	}
	r.ID, r.Size = b.ID[:], b.Size
	p.total += r.Size
	return p.queue(r, false)
}

// queue records in the order of the walk.
func (p *packer) queue(r record, packed bool) error {
	p.waiting = append(p.waiting, queued{r, packed})
	if len(p.waiting) < packFiles {
		return nil
	}
	return p.closePack()
}

// closePack stores the pack, if anything is in it, and records what waits for it.
func (p *packer) closePack() error {
	var pack moot.Blob
	if slices.ContainsFunc(p.waiting, func(q queued) bool { return q.packed }) {
		var err error
		if pack, err = p.files.node.Put(p.ctx, bytes.NewReader(p.pack.Bytes())); err != nil {
			return err
		}
	}
	for _, q := range p.waiting {
		if q.packed {
			q.Pack = pack.ID[:]
		}
		if err := p.record(q.record); err != nil {
			return err
		}
	}
	p.waiting = p.waiting[:0]
	p.pack.Reset()
	return nil
}

func (p *packer) record(r record) error {
	if err := r.check(); err != nil {
		return err
	}
	b, err := cbor.Marshal(r)
	if err != nil {
		return err
	}
	if len(b) > maxRecord {
		return moot.Errorf(moot.TooLarge, "the path %.80q is too long", r.Path)
	}
	_, err = p.out.Write(b)
	return osError(err)
}

// hashOf names bytes that are in memory.
func hashOf(content []byte) (moot.Blob, error) {
	h := blob.NewHasher(nil)
	h.Write(content) // fails only if a tree is written
	return h.Sum()
}
