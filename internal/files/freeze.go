package files

import (
	"context"
	"os"
	"path"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// Freeze returns a folder as a frozen one, whose blob lists its content as it is now, without
// times and permissions, so that equal contents have equal IDs; a file is returned as it is.
// Kinds: those of Lookup and Put.
func (fs *Files) Freeze(ctx context.Context, name string) (File, error) {
	in, err := fs.find(ctx, name)
	if err != nil || !in.Folder || in.Frozen {
		return in.File, err
	}
	f, err := fs.freeze(ctx, in)
	return f, moot.Wrap("freeze "+name, err)
}

func (fs *Files) freeze(ctx context.Context, in inside) (File, error) {
	f := in.File
	f.Frozen, f.Item, f.Files = true, "", 0
	spool, err := os.CreateTemp("", "moot-folder-")
	if err != nil {
		return f, osError(err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	p := &packer{files: fs, ctx: ctx, bare: true, count: counter(nil, 0), out: spool}
	if in.list.ID != (moot.BlobID{}) {
		err = fs.subfolder(ctx, in, "", p)
	} else {
		err = fs.freezeTree(ctx, in.Name, p)
	}
	if err == nil {
		err = p.store(spool, &f)
	}
	return f, err
}

// freezeTree records what is below a folder. Files stay blobs of their own. Links that leave
// the folder are left out, as they could not be followed where the folder is used.
func (fs *Files) freezeTree(ctx context.Context, dir string, p *packer) error {
	var rows []record
	frozen := map[string]inside{}
	err := fs.o.Index.View(ctx, func(t *tree.Tree) error {
		for name, s := range t.Walk(dir) {
			rel, _ := relative(name, dir)
			r := record{Path: rel, Mode: 0o644}
			switch {
			case s.Type == tree.Link && !staysWithin(rel, s.Target):
				continue
			case s.Type == tree.Link:
				r.Kind, r.Target = kindSymlink, s.Target
			case s.Type == tree.Folder:
				r.Kind, r.Mode = kindFolder, 0o755
			case s.Manifest:
				r.Kind, r.Mode = kindFolder, 0o755
				f := fs.of(name, s)
				frozen[rel] = inside{File: f, name: name, list: f.Blob}
			default:
				r.ID, r.Size = s.Blob.ID[:], s.Blob.Size
			}
			rows = append(rows, r)
		}
		return nil
	})
	for _, r := range rows {
		if err == nil {
			p.total = plus(p.total, r.Size)
			err = p.queue(r, false)
		}
		if in, ok := frozen[r.Path]; ok && err == nil {
			err = fs.subfolder(ctx, in, r.Path, p)
		}
	}
	return err
}

// subfolder records what is in a frozen folder, or a folder of one, below a path.
func (fs *Files) subfolder(ctx context.Context, in inside, under string, p *packer) error {
	var failed error
	err := fs.each(ctx, in, func(rel string, r record) bool {
		if r.Path, r.ModTime = path.Join(under, rel), 0; rel == "" || r.Kind == kindSymlink && !staysWithin(rel, r.Target) {
			return true
		}
		p.total = plus(p.total, r.Size)
		failed = p.queue(r, false)
		return failed == nil
	})
	return firstOf(failed, err)
}
