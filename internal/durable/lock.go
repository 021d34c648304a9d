package durable

import (
	"errors"
	"os"

	"github.com/mootspace/moot"
)

// Locked is a file that excludes other processes, and other callers in this one, until it is
// closed or this process ends.
type Locked struct{ file *os.File }

// Lock makes a file and locks it. Kind Unavailable if it is locked.
func Lock(path string) (*Locked, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l, err := LockFile(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// LockFile locks a file that is open. Kind Unavailable if it is locked.
func LockFile(f *os.File) (*Locked, error) {
	locked, err := lock(f)
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, moot.Errorf(moot.Unavailable, "it is in use by another process (%s is locked)", f.Name())
	}
	return &Locked{f}, nil
}

// Close unlocks the file before it closes it: a child of this process that has not yet
// started its program holds all open files.
func (l *Locked) Close() error { return errors.Join(unlock(l.file), l.file.Close()) }
