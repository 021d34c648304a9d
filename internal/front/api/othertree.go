package api

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/files"
)

// A node in another container may see other files under a path than its owner's command.
// Single files then pass through the interface; folders and files in place cannot.

// otherTree reports whether the node refused because it sees other files.
func otherTree(err error) bool { return moot.HintOf(err) == moot.HintOtherTree }

// upload shares a file by sending its bytes.
func (c filesClient) upload(ctx context.Context, path string, o files.ShareOptions) (files.File, error) {
	in, err := os.Open(path)
	if err != nil {
		return files.File{}, pathError(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return files.File{}, pathError(err)
	}
	name := o.As
	if name == "" {
		name = filepath.Base(path)
	}
	return c.Write(ctx, name, in, files.WriteOptions{Mode: info.Mode().Perm(), ModTime: info.ModTime(), Force: o.Force})
}

// download gets a file by reading its bytes, and puts them under a path.
func (c filesClient) download(ctx context.Context, name, path string) (f files.File, err error) {
	if f, err = c.Lookup(ctx, name); err != nil {
		return f, err
	}
	if f.Folder || f.Link != "" {
		return f, moot.Errorf(moot.Invalid, "%s is no file, and the node does not see the same directory there", name)
	}
	if info, err := os.Stat(path); path == "" || err == nil && info.IsDir() {
		path = filepath.Join(path, filepath.Base(filepath.FromSlash(f.Name)))
	}
	rc, _, err := c.Open(ctx, name, moot.Whole)
	if err != nil {
		return f, err
	}
	defer rc.Close()
	out, err := os.CreateTemp(filepath.Dir(path), ".moot-")
	if err != nil {
		return f, pathError(err)
	}
	defer os.Remove(out.Name())
	sparse := durable.NewSparse(out)
	_, err = io.Copy(sparse, rc)
	if err = errors.Join(err, sparse.Finish(), out.Chmod(f.Mode.Perm()), out.Sync(), out.Close()); err != nil {
		return f, err
	}
	f.Path = path
	return f, pathError(os.Rename(out.Name(), path))
}
