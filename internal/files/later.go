package files

import (
	"context"

	"github.com/mootspace/moot"
)

var errLater = moot.Errorf(moot.Unavailable, "not yet")

// GetAll writes what names and patterns stand for into a directory.
func (fs *Files) GetAll(context.Context, []string, string, Progress) ([]Result, error) {
	return nil, errLater
}

// Freeze returns a folder as one blob.
func (fs *Files) Freeze(ctx context.Context, name string) (File, error) { return fs.Lookup(ctx, name) }

// ReadDir returns what is in a folder.
func (fs *Files) ReadDir(context.Context, string) ([]File, error) { return nil, errLater }

// Restore makes an old version current, or undoes a removal.
func (fs *Files) Restore(context.Context, string, string) (File, error) { return File{}, errLater }
