package tree

import (
	"io/fs"

	"github.com/mootspace/moot"
)

// Create has an item born in a folder, whatever else has its name there: who did not see the
// others supersedes none of them. Kind Invalid.
func (e *Edit) Create(parent ID, name string, t Type, c Content, mode fs.FileMode) (ID, error) {
	if err := CheckName(name); err != nil {
		return ID{}, err
	}
	folder := e.node(parent)
	if folder == nil || folder.dir == nil {
		return ID{}, moot.Errorf(moot.Invalid, "%q cannot be made: its folder is not known", name)
	}
	n := e.bear(folder, t, name)
	e.state(n, c, mode, nil)
	return n.id, nil
}
