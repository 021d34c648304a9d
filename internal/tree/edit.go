package tree

import (
	"io/fs"

	"github.com/mootspace/moot"
)

// Edit collects the operations of a change that is about to be stated. It sees the tree
// as it will be once its own operations are in it, as far as they make or move folders.
type Edit struct {
	tree  *Tree
	nonce Nonce
	ops   []Op
}

// Edit begins a change; the nonce must be random.
func (t *Tree) Edit(nonce Nonce) *Edit { return &Edit{tree: t, nonce: nonce} }

// Folder returns the folder that a path stands for, and has it made with mode, and its
// parents, if there is none. Kind Invalid if a name is none, Conflict if a file is in the way.
func (e *Edit) Folder(path string, c Content, mode fs.FileMode) (ID, error) { panic("tree: not yet") }

// Write states the content of the file or link at a path, and has its folder made if there
// is none. It supersedes the versions in force that are shown under this name, but for those
// of copies, and those in also. Kinds: Invalid, Conflict if a folder is in the way.
func (e *Edit) Write(path string, t Type, c Content, mode fs.FileMode, also ...Version) (ID, error) {
	panic("tree: not yet")
}

// Replace states the content of an item; exactly the given versions are superseded.
func (e *Edit) Replace(item ID, c Content, mode fs.FileMode, replaces ...Version) {
	panic("tree: not yet")
}

// Chmod states the permission bits of an item.
func (e *Edit) Chmod(item ID, mode fs.FileMode) { panic("tree: not yet") }

// Move gives items that are shown as one another place. Kinds: Invalid, Conflict if it
// would lie within itself.
func (e *Edit) Move(items []ID, parent ID, name string) error { panic("tree: not yet") }

// Remove ends versions of an item.
func (e *Edit) Remove(item ID, versions ...Version) { panic("tree: not yet") }

// RemoveAll ends everything that is shown at a path, and below it. Kind NotFound.
func (e *Edit) RemoveAll(path string) error { panic("tree: not yet") }

// Len returns the number of operations.
func (e *Edit) Len() int { return len(e.ops) }

// Ops returns the operations, in the order in which they are stated.
func (e *Edit) Ops() []Op { return e.ops }

// Encode returns the operations as bodies of entries of kind change, each of at most
// moot.MaxBody bytes, and with each its key and how many operations it has; in order.
func (e *Edit) Encode() ([]Body, error) { panic("tree: not yet") }

// Body is the body of one entry of kind change.
type Body struct {
	Key  string // the path of the folder that its operations have in common, cut to moot.MaxKey
	Data []byte
	Ops  int
}

// Check reports, with kind Conflict, that an entry's operations supersede versions that are
// no longer in force, or state content under a name that another item has: what a server
// refuses when it linearises names.
func (t *Tree) Check(e moot.Entry) error { panic("tree: not yet") }

// CheckName reports, with kind Invalid, why something cannot be the name of a file or folder:
// names are UTF-8 of at most 255 bytes, without a slash or NUL, and not "." or "..".
func CheckName(name string) error { panic("tree: not yet") }

// CheckPath reports, with kind Invalid, why something cannot be a path: it has at most 4,096
// bytes and 100 names. The empty path is the root.
func CheckPath(path string) error { panic("tree: not yet") }

// Limits of names and paths.
const (
	MaxName   = 255
	MaxPath   = 4096
	MaxLevels = 100
)
