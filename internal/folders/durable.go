package folders

import (
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// durable flushes what was observed before it is stated or agreed on, and returns of it what
// could be flushed. What a loss of power takes back afterwards would look like an edit: a
// file cut short would be sent to everybody, one whose name is lost removed everywhere.
func (f *folder) durable(read []outgoing) ([]outgoing, error) {
	var files, folders []string
	for _, o := range read {
		at := o.path()
		switch {
		case o.gone || o.seen == nil:
		case o.kind == tree.File:
			files = append(files, at)
		case o.kind == tree.Folder:
			folders = append(folders, at)
		}
		folders = append(folders, parentOf(at))
		if o.moved {
			folders = append(folders, f.formerParents(o.node)...)
		}
	}
	failed := f.sync(files)
	kept := slices.DeleteFunc(read, func(o outgoing) bool {
		err := failed[o.path()]
		switch {
		case err == nil || o.gone || o.kind != tree.File:
			return false
		case moot.KindOf(err) == moot.NotFound || moot.KindOf(err) == moot.Conflict:
			f.unnotice(o.node) // a later event tells what became of it
			f.progress.again[parentOf(o.path())] = true
		default:
			f.failed(o.path(), err)
		}
		return true
	})
	return kept, f.flushFolders(folders)
}

// formerParents returns the paths of the folder from which a node was moved.
func (f *folder) formerParents(n *node) []string {
	paths := []string{""}
	for _, p := range f.local.items[n.Parent] {
		if p.kind == tree.Folder {
			paths = append(paths, p.path())
		}
	}
	return paths
}

// sync makes files durable, and returns why some could not be.
func (f *folder) sync(files []string) (failed map[string]error) {
	failed = map[string]error{}
	if len(files) == 0 || f.dir.Sync(files) == nil {
		return failed
	}
	for _, at := range files {
		if err := f.dir.Sync([]string{at}); err != nil {
			failed[at] = err
		}
	}
	return failed
}

// flushFolders makes names durable.
func (f *folder) flushFolders(list []string) error {
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	return f.dir.Flush(slices.Compact(list))
}
