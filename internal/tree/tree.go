// Package tree is the folder model: a replicated tree of files, folders and symbolic links
// that is computed from change sets, in whatever order they arrive. It follows Kleppmann
// et al., "A highly-available move operation for replicated trees" (IEEE TPDS 2022).
//
// It is pure: it must not know a node, a store, a disk or a clock.
package tree

import (
	"io/fs"
	"time"

	"github.com/mootspace/moot"
)

// ID names an item for ever: the first 16 bytes of BLAKE3 over the place where it was born
// (see Birth). The zero ID is the root folder.
type ID [16]byte

// Nonce is drawn at random for each change set, so that two items of one name stay two. It
// is zero in entries of version 0.1.0, whose names so become items without a statement.
type Nonce [8]byte

// Type of an item; it never changes.
type Type uint8

// Types of items.
const (
	File   Type = 1
	Folder Type = 2
	Link   Type = 3
)

// Birth is where an item was born. An operation names its item by all births from the root
// to it, so that no replica ever holds a statement about an unknown item.
type Birth struct {
	Parent ID
	Type   Type
	Name   string
	Nonce  Nonce
}

// Version names one statement of a content: an operation of an entry.
type Version struct {
	Entry moot.EntryID
	Op    uint32 // index within the change set; 0 in entries of version 0.1.0
}

// Kind of an operation.
type Kind uint8

// Kinds of operations.
const (
	SetContent Kind = 1 // a file's bytes, a link's target, or that a folder exists
	SetMode    Kind = 2 // permission bits
	Move       Kind = 3 // another parent or name
	Remove     Kind = 4 // the versions that it replaces are no more
)

// Op is one operation of a change set.
type Op struct {
	Kind     Kind
	Item     ID
	Content              // of SetContent
	Mode     fs.FileMode // of SetContent and SetMode: permission bits
	Replaces []Version   // of SetContent and Remove: versions that it supersedes
	Parent   ID          // of Move
	Name     string      // of Move
}

// Content of a file or link; of a folder only ModTime is set.
type Content struct {
	Blob     moot.Blob // of a file
	Manifest bool      // the blob lists a folder of version 0.1.0
	Total    int64     // of a Manifest: bytes of all files in it
	Target   string    // of a link
	ModTime  time.Time
}

// Stated is a version of an item's content, and who said it when.
type Stated struct {
	Version
	Author moot.Key
	Time   moot.Time
	Content
	Mode    fs.FileMode
	Removed bool // in a history: the item was removed
}

// Item is a file, folder or link as all statements together make it.
type Item struct {
	ID     ID
	Birth  Birth
	Parent ID     // where it is now
	Name   string // what it is called now
	Mode   fs.FileMode
	// Versions in force, the current first. None: it was removed; a removed folder is shown
	// while anything in it is alive.
	Versions []Stated
}

// Shown is what has a path.
type Shown struct {
	Name    string // in its folder. Of a Copy it tells whose and when
	Item    ID     // of several folders of one name: who was there first
	Folders []ID   // of a folder: all that are shown as one under this name, Item first
	Type    Type
	Stated  // the version shown; zero for a folder that was removed but has something alive in it
	Mode    fs.FileMode
	// Conflict: there are other versions in force, or other files of this name, with other
	// content.
	Conflict bool
	// Copy: it is a version that lost a conflict, or a file whose name another has, and is
	// shown beside the winner under a name of its own.
	Copy bool
	// Same are other versions in force of this item and of this name with equal bytes.
	Same []Version
}

// Config of a Tree.
type Config struct {
	// Author returns what a conflict copy calls a device's member; nil: the key's short form.
	Author func(moot.Key) string
}

// Tree is the state of a space's files. It is not safe for concurrent use, but may be read
// by several at once.
type Tree struct {
	cfg     Config
	root    *node
	nodes   map[ID]*node
	sources map[moot.EntryID]*source
	awaited map[moot.EntryID][]replacement // of versions of entries that have not come yet
	former  map[spot][]*node               // items that were moved, by all places they ever had
	moves   []*move                        // of folders, in order, applied
	late    []*move                        // of folders, not yet applied
	log     changeLog
}

// New returns an empty tree.
func New(cfg Config) *Tree {
	root := newNode(ID{}, nil, Folder, "", Nonce{})
	return &Tree{
		cfg: cfg, root: root, nodes: map[ID]*node{{}: root}, sources: map[moot.EntryID]*source{},
		awaited: map[moot.EntryID][]replacement{}, former: map[spot][]*node{}, log: changeLog{latest: map[ID]uint64{}},
	}
}

// Found is a version and its item.
type Found struct {
	Item ID
	Stated
}
