package folders

import (
	"path"
	"slices"
	"time"

	"github.com/mootspace/moot/internal/tree"
)

// want is what the space shows at one path.
type want struct {
	parent *want // nil: the directory itself
	name   string
	row    tree.Shown
	node   *node // that shows it, perhaps elsewhere as yet; nil: it is to be made
}

func (w *want) path() string {
	if w.parent == nil {
		return w.node.path()
	}
	return path.Join(w.parent.path(), w.name)
}

// record returns what is agreed on once the want is met.
func (w *want) record(old record, since time.Time) record {
	r := record{
		Item: w.row.Item, Folders: w.row.Folders, Parent: w.parent.item(), Name: w.row.Name, Versions: versionsOf(w.row),
		Blob: w.row.Blob, Target: w.row.Target, Mode: w.row.Mode, ModTime: w.row.ModTime, Copy: w.row.Copy,
		Stat: old.Stat, Since: old.Since,
	}
	if old.Blob != r.Blob || old.Copy != r.Copy || r.Since.IsZero() {
		r.Since = since
	}
	return r
}

func (w *want) item() tree.ID {
	if w.parent == nil {
		return w.node.Item
	}
	return w.row.Item
}

// plan is how the disk differs from the space. It is computed from the space's tree and
// what was agreed on, without a look at the disk.
type plan struct {
	wants []*want // folders before what they contain
	stale []*node // what the space shows no more
}

// planner computes a plan.
type planner struct {
	*folder
	tree    *tree.Tree
	only    map[tree.ID]bool // folders that have changed; nil: all
	claimed map[*node]bool
	stale   map[*node]bool
	plan    plan
}

// compare returns how the directory differs from what the space shows, in folders that
// may have changed.
func (f *folder) compare(t *tree.Tree) plan {
	p := &planner{folder: f, tree: t, claimed: map[*node]bool{}, stale: map[*node]bool{}}
	root := f.local.root
	shown := f.remoteFolders(t)
	if len(shown) == 0 {
		return plan{}
	}
	if changed, known := t.Changed(f.progress.revision); known && f.progress.applied && slices.Equal(shown, root.Folders) {
		p.only = make(map[tree.ID]bool, len(changed))
		for _, id := range changed {
			p.only[id] = true
		}
	}
	root.Item, root.Folders = shown[0], shown
	if p.only == nil {
		p.compareFolder(&want{node: root}, shown)
	} else {
		p.changed()
	}
	for n := range p.stale {
		if !p.claimed[n] {
			p.plan.stale = append(p.plan.stale, n)
		}
	}
	return p.plan
}

// changed compares the folders that have changed and are on this disk, those above others
// first.
func (p *planner) changed() {
	var list []*node
	for id := range p.only {
		if p.local.root.isFolder(id) {
			list = append(list, p.local.root)
		}
		for _, n := range p.local.items[id] {
			if n.kind == tree.Folder && !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	sortByPath(list)
	for _, n := range list {
		if _, shown := p.tree.Path(n.Item); shown || n.parent == nil {
			p.compareFolder(&want{node: n}, n.Folders)
		}
	}
}

func (n *node) isFolder(id tree.ID) bool { return n.Item == id || slices.Contains(n.Folders, id) }

// compareFolder compares one folder, and what is new or moved below it.
func (p *planner) compareFolder(parent *want, folders []tree.ID) {
	here := parent.node
	if here != nil {
		for _, n := range here.children {
			if n.Item != (tree.ID{}) && !p.claimed[n] {
				p.stale[n] = true
			}
		}
	}
	shown := p.tree.ReadDir(folders...)
	names := p.localNames(shown)
	for i, s := range shown {
		w := &want{parent: parent, name: names[i], row: s}
		if p.unwanted(w.path(), s.Type == tree.Folder) {
			continue
		}
		w.node = p.claim(here, w)
		if w.node != nil {
			p.claimed[w.node] = true
			delete(p.stale, w.node)
		}
		if !p.met(w) {
			p.plan.wants = append(p.plan.wants, w)
		}
		if s.Type == tree.Folder && (p.only == nil || w.node == nil || w.node.parent != here || !slices.Equal(w.node.Folders, s.Folders)) {
			p.compareFolder(w, s.Folders)
		}
	}
}

// met reports whether nothing is to be done for a want.
func (p *planner) met(w *want) bool {
	n := w.node
	return n != nil && n.parent == w.parent.node && n.name == w.name && n.Next == nil && n.Stat.Inode != 0 &&
		n.Item == w.row.Item && n.Name == w.row.Name && n.Parent == w.parent.item() && n.Copy == w.row.Copy &&
		slices.Equal(n.Folders, w.row.Folders) && slices.Equal(n.Versions, versionsOf(w.row)) &&
		(w.row.Type == tree.Link || n.Mode == w.row.Mode) && (w.row.Type == tree.Folder || n.ModTime.Equal(w.row.ModTime))
}

// claim returns the node that shows a want: the one with this very version, the item's,
// one of the same bytes that is not shown any more, or what lies at its path.
func (p *planner) claim(here *node, w *want) *node {
	var best *node
	for _, n := range p.local.items[w.row.Item] {
		switch {
		case n.kind != w.row.Type || p.claimed[n] || n.gone || !n.attached():
		case w.row.Type == tree.Folder:
			return n
		case slices.Contains(n.Versions, w.row.Version):
			return n
		case best == nil || best.Copy && !n.Copy:
			best = n
		}
	}
	for _, id := range w.row.Folders {
		for _, n := range p.local.items[id] {
			if n.kind == tree.Folder && !p.claimed[n] {
				return n
			}
		}
	}
	if best != nil && !w.row.Copy && !best.Copy && !p.otherwiseShown(best) {
		return best
	}
	if here == nil {
		return nil
	}
	if n := here.children[w.name]; n != nil && n.kind == w.row.Type && !p.claimed[n] && n.Item != (tree.ID{}) && !p.otherwiseShown(n) {
		return n
	}
	return nil
}

// otherwiseShown reports whether the space still shows what a node holds: it is going to
// move, and must not be overwritten.
func (p *planner) otherwiseShown(n *node) bool {
	if n.kind == tree.Folder {
		_, shown := p.tree.Path(n.Item)
		return shown
	}
	item, _ := p.tree.Item(n.Item)
	return slices.ContainsFunc(item.Versions, func(v tree.Stated) bool { return slices.Contains(n.Versions, v.Version) })
}

// localNames returns what the disk calls what a folder shows: names that the file system
// takes for one get the item's number.
func (p *planner) localNames(shown []tree.Shown) []string {
	names := make([]string, len(shown))
	taken := map[string]bool{}
	for i, s := range shown {
		names[i] = s.Name
		if p.fold == nil {
			continue
		}
		if key := p.fold(s.Name); !taken[key] {
			taken[key] = true
		} else {
			names[i] = distinct(s)
			taken[p.fold(names[i])] = true
		}
	}
	return names
}
