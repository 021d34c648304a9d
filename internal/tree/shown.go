package tree

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"
)

// maxCopies bounds the copies that are shown of one name, and so what a member can write
// to another's disk.
const maxCopies = 16

// named returns the items shown under an exact name in folders that are shown as one.
func named(union []*node, name string) (all []*node) {
	for _, u := range union {
		for n := u.dir.children[name]; n != nil; n = n.next {
			all = append(all, n)
		}
	}
	return all
}

// foldersOf returns the folders among items, the one that was there first at the beginning.
func foldersOf(items []*node) []*node {
	var folders []*node
	for _, n := range items {
		if n.dir != nil {
			folders = append(folders, n)
		}
	}
	if len(folders) > 1 {
		slices.SortFunc(folders, earlier)
	}
	return folders
}

// earlier orders folders of one name: who was placed there first has the lead.
func earlier(a, b *node) int {
	return cmp.Or(cmp.Compare(a.placedAt(), b.placedAt()), bytes.Compare(a.id[:], b.id[:]))
}

// contents returns the versions in force of files and links, by content; of each the
// newest first, and the newest content first.
func contents(items []*node) [][]*statement {
	var all []*statement
	for _, n := range items {
		if n.dir == nil {
			all = append(all, n.current...)
		}
	}
	if len(all) == 1 {
		return [][]*statement{all}
	}
	slices.SortFunc(all, newestFirst)
	type key struct {
		kind Type
		Content
	}
	var groups [][]*statement
	index := map[key]int{}
	for _, s := range all {
		k := key{s.node.kind, Content{Blob: s.Blob, Manifest: s.Manifest, Target: s.Target}}
		at, known := index[k]
		if !known {
			at = len(groups)
			index[k] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], s)
	}
	return groups
}

// row shows versions of equal content as one: the newest of the item that has it longest.
func row(name string, equal []*statement) Shown {
	n := equal[len(equal)-1].node
	s := equal[slices.IndexFunc(equal, func(s *statement) bool { return s.node == n })]
	r := Shown{Name: name, Item: n.id, Type: n.kind, Stated: s.export(), Mode: n.mode}
	for _, o := range equal {
		if o != s {
			r.Same = append(r.Same, o.version())
		}
	}
	return r
}

// folderRow shows folders as one.
func folderRow(name string, folders []*node) Shown {
	first := folders[0]
	r := Shown{Name: name, Item: first.id, Type: Folder, Mode: first.mode}
	for _, f := range folders {
		r.Folders = append(r.Folders, f.id)
		if r.Stated.Version == (Version{}) && len(f.current) > 0 {
			r.Stated = f.current[0].export()
		}
		for _, s := range f.current {
			if v := s.version(); v != r.Stated.Version {
				r.Same = append(r.Same, v)
			}
		}
	}
	return r
}

// main returns what has a name, and the contents that are shown as copies beside it.
func (t *Tree) main(name string, items []*node) (Shown, [][]*statement) {
	if n := items[0]; len(items) == 1 && n.dir == nil && len(n.current) == 1 {
		return Shown{Name: name, Item: n.id, Type: n.kind, Stated: n.current[0].export(), Mode: n.mode}, nil
	}
	folders, rest := foldersOf(items), contents(items)
	var r Shown
	if len(folders) > 0 {
		r = folderRow(name, folders)
	} else {
		r, rest = row(name, rest[0]), rest[1:]
	}
	r.Conflict = len(rest) > 0
	return r, rest[:min(len(rest), maxCopies)]
}

// beside is a content that lost its name.
type beside struct {
	name  string
	equal []*statement
}

// list returns what is shown in folders that are shown as one, by name.
func (t *Tree) list(union []*node) []Shown {
	var rows []Shown
	var copies []beside
	for name, items := range byName(union) {
		r, others := t.main(name, items)
		rows = append(rows, r)
		for _, equal := range others {
			copies = append(copies, beside{name, equal})
		}
	}
	if len(copies) > 0 {
		slices.SortFunc(copies, func(a, b beside) int {
			return cmp.Or(newestFirst(a.equal[0], b.equal[0]), strings.Compare(a.name, b.name))
		})
		taken := map[string]bool{}
		for _, c := range copies {
			rows = append(rows, t.copyRow(union, c.name, c.equal, taken))
		}
	}
	slices.SortFunc(rows, func(a, b Shown) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// byName yields the items shown in folders that are shown as one, by name.
func byName(union []*node) iter.Seq2[string, []*node] {
	return func(yield func(string, []*node) bool) {
		if len(union) == 1 {
			for name := range union[0].dir.children {
				if !yield(name, named(union, name)) {
					return
				}
			}
			return
		}
		names := nodesBy{}
		for _, u := range union {
			for name, n := range u.dir.children {
				for ; n != nil; n = n.next {
					names[name] = append(names[name], n)
				}
			}
		}
		for name, items := range names {
			if !yield(name, items) {
				return
			}
		}
	}
}

// copyRow shows a content that lost its name, under one that is free.
func (t *Tree) copyRow(union []*node, name string, equal []*statement, taken map[string]bool) Shown {
	r := row(name, equal)
	r.Conflict, r.Copy = true, true
	s := t.sources[r.Entry].stated[r.Op]
	for attempt := 0; ; attempt++ {
		r.Name = copyName(name, t.author(r.Author), s, attempt)
		if !taken[r.Name] && len(named(union, r.Name)) == 0 {
			taken[r.Name] = true
			return r
		}
	}
}
