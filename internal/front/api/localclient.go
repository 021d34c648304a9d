package api

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

// Share implements app.Files.
func (c filesClient) Share(ctx context.Context, path string, o files.ShareOptions) (files.Result, error) {
	return c.share(ctx, "share", shareOp, path, o)
}

// Store implements app.Files.
func (c filesClient) Store(ctx context.Context, path string, o files.ShareOptions) (files.Result, error) {
	return c.share(ctx, "store", storeOp, path, o)
}

func (c filesClient) share(ctx context.Context, what string, o op[sharePath, line[progress, files.Result]], path string, opts files.ShareOptions) (files.Result, error) {
	var in sharePath
	b := &in.Body
	b.As, b.InPlace, b.Force, b.Bare = opts.As, opts.InPlace, opts.Force, opts.Bare
	var err error
	if b.Path, b.Seen, err = locate(path); err != nil {
		return files.Result{}, moot.Wrap(what+" "+path, err)
	}
	f, err := wait(ctx, c.client, o, in, report(opts.Progress))
	if info, statErr := os.Stat(path); otherTree(err) && what == "share" && !opts.InPlace && statErr == nil && info.Mode().IsRegular() {
		f.File, err = c.upload(ctx, path, opts)
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
func (c filesClient) Get(ctx context.Context, name, path string, p files.Progress) (f files.Result, err error) {
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
		f.File, err = c.download(ctx, name, path)
		return f, err
	}
	if err == nil {
		f.Path = relativeLike(path, f.Path)
	}
	return f, err
}

// GetAll implements app.Files.
func (c filesClient) GetAll(ctx context.Context, names []string, dir string, p files.Progress) ([]files.Result, error) {
	var in getAllPath
	b := &in.Body
	b.Names, b.Token = names, rand.Text()
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		b.Path, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, moot.Wrap("get", pathError(err))
	}
	if b.Proof, err = writeProof(b.Path, b.Token); err != nil {
		return nil, moot.Wrap("get", err)
	}
	defer os.Remove(b.Proof)
	var got []files.Result
	end, err := wait(ctx, c.client, getAllOp, in, func(e getting) {
		if p != nil && len(e.Got) == 0 {
			p(e.Done, e.Total)
		}
		got = append(got, e.Got...)
	})
	for i := range got {
		got[i].Path = relativeLike(dir, got[i].Path)
	}
	if err == nil && end.Failed != nil {
		err = end.Failed.err()
	}
	return got, err
}

// Backup implements app.Control.
func (c controlClient) Backup(ctx context.Context, dir string, o app.BackupOptions) (b app.Backup, err error) {
	var in backupPath
	in.Body.Keep, in.Body.Token = o.Keep, rand.Text()
	err = os.MkdirAll(dir, 0o700)
	if err == nil {
		in.Body.Path, err = filepath.Abs(dir)
	}
	if err != nil {
		return b, moot.Wrap("backup", pathError(err))
	}
	if in.Body.Proof, err = writeProof(in.Body.Path, in.Body.Token); err != nil {
		return b, moot.Wrap("backup", err)
	}
	defer os.Remove(in.Body.Proof)
	return wait(ctx, c.client, backupOp, in, report(o.Progress))
}

// relativeLike returns a path relative to the working directory if the one asked for was.
func relativeLike(asked, path string) string {
	if filepath.IsAbs(asked) {
		return path
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil {
			return rel
		}
	}
	return path
}

// writeProof puts a file with the token where something is to be written, and returns its path.
func writeProof(path, token string) (string, error) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dir = path
	} else if os.IsPathSeparator(path[len(path)-1]) {
		return "", moot.Errorf(moot.NotFound, "there is no directory %s", path)
	}
	proof, err := os.CreateTemp(dir, proofPrefix)
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
