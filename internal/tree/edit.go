package tree

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// Edit collects the operations of a change that is about to be stated. It sees the tree
// as it will be once its own operations are in it, as far as they make or move items. The
// tree must not change meanwhile.
type Edit struct {
	tree    *Tree
	nonce   Nonce
	ops     []*plannedOp
	made    map[ID]*node         // items born here
	moved   map[*node]spot       // items moved here
	arrived map[*node]nodesBy    // items born or moved here, by the folder where they are now
	content map[*node]*plannedOp // the content that was stated of an item here
	ended   map[*node]bool       // folders whose existence was ended here
}

// nodesBy are items by name.
type nodesBy map[string][]*node

// plannedOp is an operation that is about to be stated.
type plannedOp struct {
	Op
	node   *node
	parent *node // of a Move
}

// Edit begins a change; the nonce must be random.
func (t *Tree) Edit(nonce Nonce) *Edit {
	return &Edit{
		tree: t, nonce: nonce, made: map[ID]*node{}, moved: map[*node]spot{}, arrived: map[*node]nodesBy{},
		content: map[*node]*plannedOp{}, ended: map[*node]bool{},
	}
}

// Folder returns the folder that a path stands for, and has it made with mode, and its
// parents, if there is none. Kind Invalid if a name is none, Conflict if a file is in the way.
func (e *Edit) Folder(path string, c Content, mode fs.FileMode) (ID, error) {
	union, err := e.folders(path, c, mode)
	if err != nil {
		return ID{}, err
	}
	return union[0].id, nil
}

// folders returns the folders that a path stands for.
func (e *Edit) folders(path string, c Content, mode fs.FileMode) ([]*node, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	union := []*node{e.tree.root}
	if path == "" {
		return union, nil
	}
	names := strings.Split(path, "/")
	for i, name := range names {
		items := e.named(union, name)
		next := e.foldersOf(items)
		if len(next) == 0 && len(items) > 0 {
			return nil, moot.Errorf(moot.Conflict, "%q is a file, and no folder", strings.Join(names[:i+1], "/"))
		}
		said, saidMode := Content{}, fs.FileMode(0)
		if i == len(names)-1 {
			said, saidMode = Content{ModTime: c.ModTime}, mode
		}
		if len(next) == 0 {
			n := e.bear(union[0], Folder, name)
			e.state(n, said, saidMode, nil)
			next = []*node{n}
		} else if e.ended[next[0]] {
			delete(e.ended, next[0])
			e.state(next[0], said, saidMode, nil)
		}
		union = next
	}
	return union, nil
}

// Write states the content of the file or link at a path, and has its folder made if there
// is none. It supersedes the versions in force that are shown under this name, but for those
// of copies, and those in also. Kinds: Invalid, Conflict if a folder is in the way.
func (e *Edit) Write(path string, t Type, c Content, mode fs.FileMode, also ...Version) (ID, error) {
	if err := CheckPath(path); err != nil {
		return ID{}, err
	}
	if path == "" || t != File && t != Link {
		return ID{}, moot.Errorf(moot.Invalid, "%q cannot be a file", path)
	}
	folder, name := cutLast(path)
	union, err := e.folders(folder, Content{}, 0)
	if err != nil {
		return ID{}, err
	}
	items := e.named(union, name)
	if len(e.foldersOf(items)) > 0 {
		return ID{}, moot.Errorf(moot.Conflict, "%q is a folder", path)
	}
	n, superseded := e.present(name, items, t)
	if n == nil {
		n = e.bear(union[0], t, name)
	}
	for _, v := range also {
		if s := e.tree.statement(v); s != nil && !slices.Contains(superseded, s) {
			superseded = append(superseded, s)
		}
	}
	var mine []Version
	others := map[*node][]Version{}
	var order []*node
	for _, s := range superseded {
		if s.node == n {
			mine = append(mine, s.version())
			continue
		}
		if others[s.node] == nil {
			order = append(order, s.node)
		}
		others[s.node] = append(others[s.node], s.version())
	}
	e.state(n, c, mode, mine)
	for _, o := range order {
		e.remove(o, others[o])
	}
	return n.id, nil
}

// present returns the item that has a name, if it is of a type, and the versions shown there.
func (e *Edit) present(name string, items []*node, t Type) (n *node, shown []*statement) {
	for _, i := range items {
		if len(i.current) == 0 && i.kind == t { // written here
			n = i
		}
	}
	items = slices.DeleteFunc(items, func(i *node) bool { return len(i.current) == 0 })
	if len(items) == 0 {
		return n, nil
	}
	r, _ := e.tree.main(name, items)
	for _, v := range append([]Version{r.Version}, r.Same...) {
		shown = append(shown, e.tree.statement(v))
	}
	if n == nil && r.Type == t {
		n = e.tree.nodes[r.Item]
	}
	return n, shown
}

// Replace states the content of an item; exactly the given versions are superseded.
func (e *Edit) Replace(item ID, c Content, mode fs.FileMode, replaces ...Version) {
	if n := e.node(item); n != nil && n.origin != nil {
		e.state(n, c, mode, replaces)
	}
}

// Chmod states the permission bits of an item.
func (e *Edit) Chmod(item ID, mode fs.FileMode) {
	if n := e.node(item); n != nil && n.origin != nil {
		e.ops = append(e.ops, &plannedOp{Op: Op{Kind: SetMode, Item: item, Mode: mode.Perm()}, node: n})
	}
}

// Move gives items that are shown as one another place. Kinds: Invalid, Conflict if it
// would lie within itself.
func (e *Edit) Move(items []ID, parent ID, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	to := e.node(parent)
	if to == nil || to.dir == nil {
		return moot.Errorf(moot.Invalid, "%q cannot be moved: its new folder is none", name)
	}
	for _, id := range items {
		n := e.node(id)
		if n == nil || n.origin == nil {
			return moot.Errorf(moot.Invalid, "%q cannot be moved: it is not known", name)
		}
		for at := to; at != nil; at = e.spotOf(at).parent {
			if at == n {
				return moot.Errorf(moot.Conflict, "%q cannot be moved into itself", n.name)
			}
		}
	}
	for _, id := range items {
		n := e.node(id)
		e.ops = append(e.ops, &plannedOp{Op: Op{Kind: Move, Item: id, Parent: parent, Name: name}, node: n, parent: to})
		e.put(n, spot{to, name})
	}
	return nil
}

// Remove ends versions of an item.
func (e *Edit) Remove(item ID, versions ...Version) {
	if n := e.node(item); n != nil && n.origin != nil {
		e.remove(n, versions)
	}
}

func (e *Edit) remove(n *node, versions []Version) {
	if n.dir != nil {
		e.ended[n] = true
	}
	for part := range slices.Chunk(versions, moot.MaxReplaces) {
		e.ops = append(e.ops, &plannedOp{Op: Op{Kind: Remove, Item: n.id, Replaces: slices.Clone(part)}, node: n})
	}
}

// RemoveAll ends everything that is shown at a path, and below it. Kind NotFound.
func (e *Edit) RemoveAll(path string) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	union := []*node{e.tree.root}
	if path != "" {
		folder, name := cutLast(path)
		var items []*node
		if union = e.existing(folder); len(union) > 0 {
			items = e.named(union, name)
		}
		if union = e.foldersOf(items); len(union) == 0 {
			return e.removeFile(path, name, items)
		}
	}
	for _, f := range union {
		e.removeBelow(f, 0)
	}
	return nil
}

// existing returns the folders that a path stands for; none if there are none.
func (e *Edit) existing(path string) []*node {
	union := []*node{e.tree.root}
	if path == "" {
		return union
	}
	for name := range strings.SplitSeq(path, "/") {
		union = e.foldersOf(e.named(union, name))
	}
	return union
}

func (e *Edit) removeFile(path, name string, items []*node) error {
	items = slices.DeleteFunc(items, func(n *node) bool { return len(n.current) == 0 })
	var versions []Version
	if len(items) > 0 {
		r, _ := e.tree.main(name, items)
		versions = append(r.Same, r.Version)
	} else if r, ok := e.tree.Lookup(path); ok && r.Copy {
		versions = append(r.Same, r.Version)
	}
	if len(versions) == 0 {
		return moot.Errorf(moot.NotFound, "there is no %q", path)
	}
	for _, v := range versions {
		e.remove(e.tree.statement(v).node, []Version{v})
	}
	return nil
}

// removeBelow ends a folder and everything in it.
func (e *Edit) removeBelow(f *node, level int) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(f.dir.children)), maps.Keys(e.arrived[f]))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		for _, n := range e.named([]*node{f}, name) {
			e.removeItem(n, level)
		}
	}
	e.end(f)
}

func (e *Edit) removeItem(n *node, level int) {
	if n.dir == nil {
		e.end(n)
	} else if level < MaxLevels {
		e.removeBelow(n, level+1)
	}
}

// end ends all versions in force of an item, and the one that was stated here.
func (e *Edit) end(n *node) {
	if o := e.content[n]; o != nil {
		e.ops = slices.DeleteFunc(e.ops, func(p *plannedOp) bool { return p == o })
		delete(e.content, n)
	}
	var versions []Version
	for _, s := range n.current {
		versions = append(versions, s.version())
	}
	e.remove(n, versions)
}

// Len returns the number of operations.
func (e *Edit) Len() int { return len(e.ops) }

// Ops returns the operations, in the order in which they are stated.
func (e *Edit) Ops() []Op {
	e.sort()
	ops := make([]Op, len(e.ops))
	for i, o := range e.ops {
		ops[i] = o.Op
	}
	return ops
}

// sort brings the operations into the order: folders, moves, contents, modes, removals.
func (e *Edit) sort() {
	slices.SortStableFunc(e.ops, func(a, b *plannedOp) int { return a.rank() - b.rank() })
}

func (o *plannedOp) rank() int {
	switch {
	case o.Kind == SetContent && o.node.dir != nil:
		return 0
	case o.Kind == Move:
		return 1
	case o.Kind == SetContent:
		return 2
	case o.Kind == SetMode:
		return 3
	}
	return 4
}
