package tree

import (
	"cmp"
	"encoding/hex"
	"iter"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// History returns all versions of the items that are, or ever were, shown at a path, also
// their removals; the newest first.
func (t *Tree) History(path string) []Stated {
	var rows []Stated
	for _, n := range t.ever(path) {
		for _, s := range n.current {
			rows = append(rows, s.export())
		}
		if n.past == nil {
			continue
		}
		for _, s := range n.past.replaced {
			rows = append(rows, s.export())
		}
		for _, by := range n.past.removals {
			rows = append(rows, Stated{Version: Version{by.source.id, by.op}, Author: by.source.author, Time: by.source.time, Removed: true})
		}
	}
	slices.SortFunc(rows, newestStated)
	return rows
}

func newestStated(a, b Stated) int {
	return cmp.Or(cmp.Compare(b.Time, a.Time), slices.Compare(b.Author[:], a.Author[:]), slices.Compare(b.Entry[:], a.Entry[:]), cmp.Compare(b.Op, a.Op))
}

// ever returns the items that have, or ever had, a path.
func (t *Tree) ever(path string) []*node {
	if path == "" {
		return nil
	}
	if r, exact, ok := t.lookup(path); ok {
		if r.Copy {
			return t.itemsOf(r)
		}
		path = exact
	}
	at := []*node{t.root}
	for name := range strings.SplitSeq(path, "/") {
		var next []*node
		seen := map[*node]bool{}
		for _, folder := range at {
			if folder.dir == nil {
				continue
			}
			for _, n := range folder.dir.ever(name, t.former[spot{folder, name}]) {
				if !seen[n] {
					seen[n] = true
					next = append(next, n)
				}
			}
		}
		at = next
	}
	return at
}

func (d *directory) ever(name string, former []*node) []*node {
	all := slices.Clone(former)
	for _, index := range []map[string]*node{d.children, d.dead} {
		for n := index[name]; n != nil; n = n.next {
			all = append(all, n)
		}
	}
	return all
}

// itemsOf returns the items whose versions a row shows.
func (t *Tree) itemsOf(r Shown) (items []*node) {
	for _, v := range append([]Version{r.Version}, r.Same...) {
		if n := t.statement(v).node; !slices.Contains(items, n) {
			items = append(items, n)
		}
	}
	return items
}

// minPrefix is the number of digits that Find wants.
const minPrefix = 6

// Find returns the versions, in force or not, whose blob's ID begins with some hexadecimal
// digits, at least 6, each blob once, with the item that had it last; the newest first.
func (t *Tree) Find(prefix string) []Found {
	prefix = strings.ToLower(prefix)
	whole, err := hex.DecodeString(prefix[:len(prefix)&^1])
	if err != nil || len(prefix) < minPrefix || len(prefix) > 2*len(moot.BlobID{}) {
		return nil
	}
	latest := map[moot.BlobID]*statement{}
	for _, src := range t.sources {
		for _, s := range src.stated {
			if s == nil || s.node.kind != File || !slices.Equal(s.Blob.ID[:len(whole)], whole) || !strings.HasPrefix(s.Blob.ID.String(), prefix) {
				continue
			}
			if old := latest[s.Blob.ID]; old == nil || s.compare(old.stamp) > 0 {
				latest[s.Blob.ID] = s
			}
		}
	}
	var found []Found
	for _, s := range latest {
		found = append(found, Found{s.node.id, s.export()})
	}
	slices.SortFunc(found, func(a, b Found) int { return newestStated(a.Stated, b.Stated) })
	return found
}

// Conflicts yields the paths that have several versions or files of different content, with
// all versions.
func (t *Tree) Conflicts() iter.Seq2[string, []Found] {
	return func(yield func(string, []Found) bool) {
		for path, r := range t.Walk("") {
			if !r.Conflict || r.Copy {
				continue
			}
			folder, name := cutLast(path)
			up, _, _ := t.lookup(folder)
			if !yield(path, versionsOf(named(t.union(up.Folders), name))) {
				return
			}
		}
	}
}

// versionsOf returns the versions in force of files and links, the newest first.
func versionsOf(items []*node) (all []Found) {
	for _, n := range items {
		if n.dir != nil {
			continue
		}
		for _, s := range n.current {
			all = append(all, Found{n.id, s.export()})
		}
	}
	slices.SortFunc(all, func(a, b Found) int { return newestStated(a.Stated, b.Stated) })
	return all
}
