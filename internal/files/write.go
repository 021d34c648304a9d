package files

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

// WriteOptions describe bytes that are put under a name.
type WriteOptions struct {
	Mode    fs.FileMode // permission bits; 0 means 0644
	ModTime time.Time   // zero means now
	Force   bool        // also if somebody else changed the name meanwhile
}

// Write puts all that r yields under a name.
func (fs *Files) Write(ctx context.Context, name string, r io.Reader, o WriteOptions) (File, error) {
	f := File{Name: name, Mode: o.Mode.Perm(), ModTime: o.ModTime}
	if err := CheckName(name); err != nil {
		return f, err
	}
	var err error
	if f.Blob, err = fs.node.Put(ctx, r); err != nil {
		return f, moot.Wrap("write "+name, err)
	}
	f.Content = f.Blob.Size
	heads, err := fs.heads(ctx, name)
	if err != nil {
		return f, err
	}
	mode := moot.Swap
	if o.Force {
		mode = moot.Merge
	}
	return fs.publish(ctx, f, heads, mode)
}

// Move gives a file or folder another name. Kinds: NotFound, Conflict.
func (fs *Files) Move(ctx context.Context, from, to string) (File, error) {
	heads, err := fs.heads(ctx, from)
	if err == nil && len(heads) == 0 {
		err = errNoSuch(from)
	}
	if err != nil {
		return File{}, err
	}
	f := heads[0]
	f.Name = to
	body, err := encodeBody(f)
	if err != nil {
		return f, err
	}
	_, err = fs.write.Append(ctx, moot.Swap, sign.Statement{Kind: moot.KindFile, Key: to, Body: body},
		sign.Statement{Kind: moot.KindFile, Key: from, Replaces: ids(heads)})
	return f, moot.Wrap("move "+from, err)
}
