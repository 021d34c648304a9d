package tree

import (
	"iter"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/mootspace/moot"
)

// rootRow shows the root.
func (t *Tree) rootRow() Shown {
	return Shown{Item: t.root.id, Folders: []ID{t.root.id}, Type: Folder}
}

// Lookup returns what a path stands for; "" is the root. Exact names go first, then names
// that are equal in Unicode's normal form C, then those that differ in case only, if one does.
func (t *Tree) Lookup(path string) (Shown, bool) {
	r, _, ok := t.lookup(path)
	return r, ok
}

// lookup returns also the path as the names are in fact.
func (t *Tree) lookup(path string) (r Shown, exact string, ok bool) {
	r = t.rootRow()
	if path == "" {
		return r, "", true
	}
	if CheckPath(path) != nil {
		return Shown{}, "", false
	}
	union, rest := []*node{t.root}, path
	for more := true; more; {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		if r, ok = t.find(union, name); !ok || more && r.Type != Folder {
			return Shown{}, "", false
		}
		exact = join(exact, r.Name)
		if more {
			union = t.union(r.Folders)
		}
	}
	return r, exact, true
}

// find returns what a name stands for in folders that are shown as one.
func (t *Tree) find(union []*node, name string) (Shown, bool) {
	if items := named(union, name); len(items) > 0 {
		r, _ := t.main(name, items)
		return r, true
	}
	if strings.Contains(name, copyWords) {
		rows := t.list(union)
		if at := slices.IndexFunc(rows, func(r Shown) bool { return r.Name == name }); at >= 0 {
			return rows[at], true
		}
	}
	if other, ok := match(union, name); ok {
		r, _ := t.main(other, named(union, other))
		return r, true
	}
	return Shown{}, false
}

// match finds a name that is the same in normal form C, or the only one but for case.
func match(union []*node, name string) (string, bool) {
	folded := fold(name)
	var names []string
	for _, u := range union {
		names = append(names, u.dir.folded[folded]...)
		if u.dir.children[folded] != nil {
			names = append(names, folded)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	normal := norm.NFC.String(name)
	if at := slices.IndexFunc(names, func(other string) bool { return norm.NFC.String(other) == normal }); at >= 0 {
		return names[at], true
	}
	if len(names) == 1 {
		return names[0], true
	}
	return "", false
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

// union returns the folders of some IDs.
func (t *Tree) union(ids []ID) []*node {
	union := make([]*node, 0, len(ids))
	for _, id := range ids {
		if n := t.nodes[id]; n != nil && n.dir != nil && !slices.Contains(union, n) {
			union = append(union, n)
		}
	}
	return union
}

// ReadDir returns what is shown in folders that are shown as one, by name.
func (t *Tree) ReadDir(folders ...ID) []Shown { return t.list(t.union(folders)) }

// Walk yields everything below a path that stands for a folder, with its path from the root;
// folders before what they contain, else by name. What is beyond the limits of a path, because
// folders were moved, is left out.
func (t *Tree) Walk(path string) iter.Seq2[string, Shown] {
	return func(yield func(string, Shown) bool) {
		if r, exact, ok := t.lookup(path); ok && r.Type == Folder {
			t.walk(exact, r.Folders, yield)
		}
	}
}

func (t *Tree) walk(path string, folders []ID, yield func(string, Shown) bool) bool {
	if strings.Count(path, "/") >= MaxLevels-1 {
		return true
	}
	for _, r := range t.ReadDir(folders...) {
		at := join(path, r.Name)
		if len(at) > MaxPath {
			continue
		}
		if !yield(at, r) || r.Type == Folder && !t.walk(at, r.Folders, yield) {
			return false
		}
	}
	return true
}

// Item returns an item. An item that was removed is known, too.
func (t *Tree) Item(id ID) (Item, bool) {
	n := t.nodes[id]
	if n == nil {
		return Item{}, false
	}
	i := Item{ID: id, Birth: n.birth(), Name: n.name, Mode: n.mode}
	if n.parent != nil {
		i.Parent = n.parent.id
	}
	for _, s := range n.current {
		i.Versions = append(i.Versions, s.export())
	}
	return i, true
}

// Stated returns a version, in force or not, and its item; false if it is not known.
func (t *Tree) Stated(v Version) (Found, bool) {
	if s := t.statement(v); s != nil {
		return Found{s.node.id, s.export()}, true
	}
	return Found{}, false
}

// statement returns a version; nil if it is not known.
func (t *Tree) statement(v Version) *statement {
	src := t.sources[v.Entry]
	if src == nil || int(v.Op) >= len(src.stated) {
		return nil
	}
	return src.stated[v.Op]
}

// Path returns the path under which an item is shown; false if it is not. Of a file whose
// name another has, it is the path of its copy.
func (t *Tree) Path(id ID) (string, bool) {
	n := t.nodes[id]
	if n == nil || !n.visible() {
		return "", false
	}
	if n == t.root {
		return "", true
	}
	union, path, ok := t.shownAs(n.parent)
	if !ok {
		return "", false
	}
	name := n.name
	if n.dir == nil {
		name, ok = t.nameIn(union, n)
	}
	path = join(path, name)
	return path, ok && CheckPath(path) == nil
}

// nameIn returns the name under which a file is shown in a folder.
func (t *Tree) nameIn(union []*node, n *node) (string, bool) {
	items := named(union, n.name)
	if len(items) == 1 {
		return n.name, true
	}
	has := func(r Shown) bool {
		return r.Type != Folder && (r.Item == n.id || slices.ContainsFunc(r.Same, func(v Version) bool { return t.statement(v).node == n }))
	}
	if r, _ := t.main(n.name, items); has(r) {
		return r.Name, true
	}
	rows := t.list(union)
	if at := slices.IndexFunc(rows, has); at >= 0 {
		return rows[at].Name, true
	}
	return "", false
}

// shownAs returns the folders that are shown as one with a folder, and their path.
func (t *Tree) shownAs(n *node) (union []*node, path string, ok bool) {
	var names []string
	for ; n.parent != nil; n = n.parent {
		if names = append(names, n.name); len(names) > MaxLevels {
			return nil, "", false
		}
	}
	union = []*node{t.root}
	for _, name := range slices.Backward(names) {
		path = join(path, name)
		if union = foldersOf(named(union, name)); len(union) == 0 {
			return nil, "", false
		}
	}
	return union, path, true
}

// author returns what a copy calls who wrote it.
func (t *Tree) author(k moot.Key) string {
	if t.cfg.Author == nil {
		return k.Short()
	}
	return t.cfg.Author(k)
}
