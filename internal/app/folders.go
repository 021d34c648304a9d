package app

import (
	"context"

	"github.com/mootspace/moot/internal/folders"
)

// Folders are the directories of the node's machine that are kept in step with folders of
// the space. A folder is named by its directory or by its name in the space.
type Folders interface {
	// Add has a directory kept in step from now on. Kinds: NotFound, Invalid, Conflict.
	Add(ctx context.Context, dir string, o folders.Options) (folders.Status, error)
	// List returns all, by directory.
	List(ctx context.Context) ([]folders.Status, error)
	// Remove forgets one; its files stay where they are. Kind NotFound.
	Remove(ctx context.Context, dir string) error
	// Pause ends keeping one in step, and Resume goes on. Kind NotFound.
	Pause(ctx context.Context, dir string) error
	Resume(ctx context.Context, dir string) error
	// Select sets which folders in one are not wanted on this machine; they are removed
	// here, and here alone. Kind NotFound.
	Select(ctx context.Context, dir string, except []string) error
	// Revert gives up what was changed in a read-only one. Kind NotFound.
	Revert(ctx context.Context, dir string) error
	// Once brings one in step now, and returns when nothing is left that can be done.
	Once(ctx context.Context, dir string, report func(folders.Event)) (folders.Status, error)
	// Follow reports what happens in one until ctx ends.
	Follow(ctx context.Context, dir string, report func(folders.Event)) error
}
