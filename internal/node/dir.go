package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// Dir is a directory as Data.
type Dir string

var _ Data = Dir("")

// Path implements Data.
func (d Dir) Path(name string) string { return filepath.Join(string(d), name) }

// Load implements Data.
func (d Dir) Load(name string, v any) error {
	b, err := os.ReadFile(d.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return moot.Errorf(moot.NotFound, "%w", err)
	}
	if err != nil {
		return OSError("read "+d.Path(name), err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return moot.Errorf(moot.Corrupt, "%s is damaged: %w", d.Path(name), err)
	}
	return nil
}

// Save implements Data: a crash leaves the old record or the new one.
func (d Dir) Save(name string, v any) error {
	path := d.Path(name)
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return moot.Errorf(moot.Internal, "write %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return OSError("write "+path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = durable.SyncFolder(filepath.Dir(path))
	}
	return OSError("write "+path, err)
}

// OSError gives a failed system call the kind that says what to do. OSError of nil is nil.
func OSError(op string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &moot.Error{Op: op, Kind: moot.Denied, Err: err}
	}
	return durable.Error(op, err)
}
