package api

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// Share implements app.Files.
func (c filesClient) Share(ctx context.Context, path string, o files.ShareOptions) (files.File, error) {
	return c.share(ctx, "share", shareOp, path, o)
}

// Store implements app.Files.
func (c filesClient) Store(ctx context.Context, path string, o files.ShareOptions) (files.File, error) {
	return c.share(ctx, "store", storeOp, path, o)
}

func (c filesClient) share(ctx context.Context, what string, o op[sharePath, line[progress, files.File]], path string, opts files.ShareOptions) (files.File, error) {
	var in sharePath
	b := &in.Body
	b.As, b.InPlace, b.Force, b.Bare = opts.As, opts.InPlace, opts.Force, opts.Bare
	var err error
	if b.Path, b.Seen, err = locate(path); err != nil {
		return files.File{}, moot.Wrap(what+" "+path, err)
	}
	f, err := wait(ctx, c.client, o, in, report(opts.Progress))
	if info, statErr := os.Stat(path); otherTree(err) && what == "share" && !opts.InPlace && statErr == nil && info.Mode().IsRegular() {
		return c.upload(ctx, path, opts)
	}
	return f, err
}

// report passes events on to a Progress, which may be nil.
func report(p files.Progress) func(progress) {
	return func(e progress) {
		if p != nil {
			p(e.Done, e.Total)
		}
	}
}

// locate returns a path made absolute, and what this process sees there.
func locate(path string) (string, *seen, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", nil, pathError(err)
	}
	s, err := look(abs)
	return abs, &s, err
}

// Get implements app.Files. The path in the result is relative if the one asked for is.
func (c filesClient) Get(ctx context.Context, name, path string, p files.Progress) (f files.File, err error) {
	var in getPath
	b := &in.Body
	b.Name, b.Token = name, rand.Text()
	if b.Path, err = filepath.Abs(path); err != nil {
		return f, moot.Wrap("get "+name, pathError(err))
	}
	if path != "" && os.IsPathSeparator(path[len(path)-1]) {
		b.Path += string(filepath.Separator) // it must be a directory
	}
	if b.Proof, err = writeProof(b.Path, b.Token); err != nil {
		return f, moot.Wrap("get "+name, err)
	}
	defer os.Remove(b.Proof)
	f, err = wait(ctx, c.client, getOp, in, report(p))
	if otherTree(err) {
		return c.download(ctx, name, path)
	}
	if err == nil && !filepath.IsAbs(path) {
		if wd, wdErr := os.Getwd(); wdErr == nil {
			if rel, relErr := filepath.Rel(wd, f.Path); relErr == nil {
				f.Path = rel
			}
		}
	}
	return f, err
}

// writeProof puts a file with the token where something is to be written, and returns its path.
func writeProof(path, token string) (string, error) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dir = path
	} else if os.IsPathSeparator(path[len(path)-1]) {
		return "", moot.Errorf(moot.NotFound, "there is no directory %s", path)
	}
	proof, err := os.CreateTemp(dir, ".moot-")
	if err != nil {
		return "", pathError(err)
	}
	_, err = proof.WriteString(token)
	if err = errors.Join(err, proof.Close()); err != nil {
		os.Remove(proof.Name())
		return "", pathError(err)
	}
	return proof.Name(), nil
}

// Sync implements app.Files.
func (c filesClient) Sync(ctx context.Context, dir string, o files.SyncOptions) error {
	var in syncPath
	b := &in.Body
	b.Prefix, b.Once = o.Prefix, o.Once
	var err error
	if b.Dir, b.Seen, err = locate(dir); moot.KindOf(err) == moot.NotFound {
		err = moot.Errorf(moot.Invalid, "there is no such directory: make it first")
	}
	if err != nil {
		return moot.Wrap("sync "+dir, err)
	}
	_, err = wait(ctx, c.client, syncOp, in, func(e syncChange) {
		if o.Changed != nil {
			o.Changed(e.What, e.Path)
		}
	})
	if ctx.Err() != nil && !o.Once {
		return nil // the caller has ended it
	}
	return err
}
