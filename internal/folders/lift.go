package folders

import (
	"io/fs"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// ownerChanges is the permissions that a folder's owner needs to change what is in it.
const ownerChanges = 0o300

// permitted does something in folders. If they refuse that to their owner, they are lifted
// until the pass ends, and it is done once more.
func (x *applier) permitted(do func() error, in ...*node) error {
	err := do()
	if moot.KindOf(err) != moot.Denied {
		return err
	}
	lifted := false
	for _, n := range in {
		lifted = x.lift(n) || lifted
	}
	if !lifted {
		return err
	}
	return do()
}

// lift gives the owner of a folder all permissions. They are recorded first as if they had
// been agreed on: after a crash nobody takes them for the user's.
func (x *applier) lift(n *node) bool {
	if n.kind != tree.Folder || n.pending() || n.Stat.Inode == 0 || n.Stat.Mode&ownerChanges == ownerChanges {
		return false
	}
	at, mode := n.path(), n.Stat.Mode|0o700
	if s, err := x.dir.Stat(at); err != nil || !sameContent(n.Stat, s) {
		return false
	}
	old := n.record
	n.Stat.Mode, n.Mode = mode, mode
	x.local.unsaved[n] = struct{}{}
	err := x.flush()
	if err == nil {
		err = x.database.save(x.ctx, x.row, x.local, nil)
	}
	if err == nil {
		err = x.dir.Chmod(at, mode)
	}
	if err != nil {
		n.Stat, n.Mode = old.Stat, old.Mode
		x.local.unsaved[n] = struct{}{}
		return false
	}
	if _, before := x.lifted[n]; !before {
		x.lifted[n] = old.Mode
	}
	x.restat(n, at)
	return true
}

// lower ends what lift did.
func (x *applier) lower() {
	for n, mode := range x.lifted {
		if !n.attached() || n.pending() || n.Mode == mode {
			continue
		}
		if err := x.setMode(n, mode); err != nil {
			x.couldNot(n.path(), err)
		}
	}
	clear(x.lifted)
}

// setMode gives a folder its permissions.
func (x *applier) setMode(n *node, mode fs.FileMode) error {
	at := n.path()
	if err := x.dir.Chmod(at, mode); err != nil {
		return err
	}
	s, err := x.dir.Stat(at)
	if err != nil {
		return err
	}
	if s.Inode != n.Stat.Inode {
		return moot.Errorf(moot.Conflict, "%s was replaced meanwhile", at)
	}
	n.Stat, n.Mode = s, mode
	x.local.unsaved[n] = struct{}{}
	return nil
}
