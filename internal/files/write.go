package files

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

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
	return fs.supersede(ctx, f, o.Force)
}

// supersede makes f the version of its name, unless the version in force equals it.
// Without force it fails with kind Conflict if the name changes meanwhile.
func (fs *Files) supersede(ctx context.Context, f File, force bool) (File, error) {
	heads, err := fs.heads(ctx, f.Name)
	if err != nil {
		return f, err
	}
	if len(heads) == 1 && heads[0].Blob == f.Blob && heads[0].Folder == f.Folder && heads[0].Mode == f.Mode {
		return heads[0], nil
	}
	mode := moot.Swap
	if force {
		mode = moot.Merge
	}
	f, err = fs.publish(ctx, f, heads, mode)
	if errors.Is(err, moot.Conflict) {
		err = moot.WithHint(err, moot.HintForce)
	}
	return f, err
}
