package files

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/mootspace/moot/internal/tree"

	"github.com/mootspace/moot"
)

// WriteOptions shape the file that Write makes.
type WriteOptions struct {
	Mode     os.FileMode // permission bits; 0: 0644
	ModTime  time.Time   // zero: now
	Force    bool        // also if the name was changed elsewhere meanwhile
	Progress Progress    // its total is 0: the size is not known; may be nil
}

// Write stores all of r as the file of a name. The bytes are durable before the name is
// given, and nothing is named if r fails. Kinds: those of Share, and r's own.
func (fs *Files) Write(ctx context.Context, name string, r io.Reader, o WriteOptions) (File, error) {
	f, err := fs.writeFile(ctx, name, r, o)
	return f, moot.Wrap("write "+name, err)
}

func (fs *Files) writeFile(ctx context.Context, name string, r io.Reader, o WriteOptions) (File, error) {
	f := File{Name: name, Mode: orDefault(o.Mode), ModTime: o.ModTime.UTC()}
	if o.ModTime.IsZero() {
		f.ModTime = time.Now().UTC()
	}
	err := CheckName(name)
	if err != nil {
		return f, err
	}
	if f.Blob, err = fs.node.Put(ctx, counting{r, counter(o.Progress, 0)}); err != nil {
		return f, err
	}
	f.Content = f.Blob.Size
	if err := fs.o.Fresh(ctx); err != nil {
		return f, err
	}
	return fs.supersede(ctx, f, o.Force, !o.ModTime.IsZero())
}

// supersede makes f the version of its name, unless the version in force equals it, also
// in its time if timed. Without force it fails with kind Conflict if the name changes meanwhile.
func (fs *Files) supersede(ctx context.Context, f File, force, timed bool) (File, error) {
	var equal *File
	var item tree.ID
	done, err := fs.edit(ctx, mode(force), func(t *tree.Tree, e *tree.Edit) (err error) {
		if s, ok := at(t, f.Name); ok {
			if old := fs.of(f.Name, s); !old.Conflict && same(old, f, timed) {
				equal = &old
				return nil
			}
		}
		item, err = put(t, e, f)
		return err
	})
	switch {
	case err != nil:
		return f, err
	case equal != nil:
		return *equal, nil
	}
	return fs.stated(f, item, done), nil
}

// same reports whether two files have equal content and permissions, and times if timed.
func same(a, b File, timed bool) bool {
	return a.Blob == b.Blob && a.Folder == b.Folder && a.Link == b.Link && a.Mode == b.Mode && (!timed || a.ModTime.Equal(b.ModTime))
}

// put states a file or link under its name; all versions that the name has are superseded.
func put(t *tree.Tree, e *tree.Edit, f File) (tree.ID, error) {
	var also []tree.Version
	if s, ok := at(t, f.Name); ok && !s.Copy {
		for _, v := range rivals(t, f.Name, s) {
			also = append(also, v.Version)
		}
	}
	return e.Write(f.Name, f.kind(), f.content(), f.Mode, also...)
}
