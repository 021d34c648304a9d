package tree

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// model is the executable specification: it computes from a set of entries, as simply as
// possible, what everybody who has them sees. It does not scale and shares with the
// program only the codec and the IDs of births.
type model struct {
	items map[ID]*modelItem
	said  []saying
}

type modelItem struct {
	Birth
	id     ID
	parent ID
	name   string
	placed moot.Time
	mode   fs.FileMode
	force  []saying // newest first
}

// saying is one operation, with who said it when.
type saying struct {
	e    *moot.Entry
	op   int
	kind Kind
	item ID
	Content
	mode     fs.FileMode
	replaces []Version
	parent   ID
	name     string
}

func (s saying) version() Version { return Version{s.e.ID, uint32(s.op)} }

func older(a, b saying) int {
	return cmp.Or(cmp.Compare(a.e.Time, b.e.Time), bytes.Compare(a.e.Author[:], b.e.Author[:]), bytes.Compare(a.e.ID[:], b.e.ID[:]), cmp.Compare(a.op, b.op))
}

func newModel(entries []moot.Entry) *model {
	m := &model{items: map[ID]*modelItem{{}: {Birth: Birth{Type: Folder}}}}
	for i := range entries {
		m.read(&entries[i])
	}
	slices.SortFunc(m.said, older)
	replaced := map[Version][]ID{}
	for _, s := range m.said {
		for _, v := range s.replaces {
			replaced[v] = append(replaced[v], s.item)
		}
	}
	for _, s := range m.said {
		n := m.items[s.item]
		switch {
		case s.kind == Move && !m.inside(s.parent, s.item):
			n.parent, n.name, n.placed = s.parent, s.name, s.e.Time
		case s.kind == SetContent && !slices.Contains(replaced[s.version()], s.item):
			n.force = slices.Insert(n.force, 0, s)
		}
		if s.kind == SetMode || s.kind == SetContent && s.mode != 0 {
			n.mode = s.mode
		}
	}
	return m
}

// bear notes where an item was born.
func (m *model) bear(b Birth, at moot.Time) ID {
	id := b.ID()
	if n := m.items[id]; n == nil {
		m.items[id] = &modelItem{Birth: b, id: id, parent: b.Parent, name: b.Name, placed: at}
	} else {
		n.placed = min(n.placed, at)
	}
	return id
}

func (m *model) read(e *moot.Entry) {
	if e.Kind == moot.KindFile {
		l, err := decodeLegacy(e)
		if err != nil {
			panic(err)
		}
		var at ID
		for _, name := range l.folders {
			at = m.bear(Birth{at, Folder, name, Nonce{}}, e.Time)
		}
		s := saying{e: e, kind: SetContent, item: m.bear(Birth{at, File, l.name, Nonce{}}, e.Time), Content: l.Content, mode: l.mode}
		if !l.stated {
			s.kind = Remove
		}
		for _, id := range e.Replaces {
			s.replaces = append(s.replaces, Version{Entry: id})
		}
		m.said = append(m.said, s)
		return
	}
	b, err := decode(e.Body)
	if err != nil {
		panic(err)
	}
	rows := []ID{{}}
	for _, f := range b.Folders {
		rows = append(rows, m.bear(Birth{rows[f.Parent], Folder, f.Name, b.nonce(f.Nonce)}, e.Time))
	}
	for i, o := range b.Ops {
		id := m.bear(Birth{rows[o.Folder], o.itemType(), o.Name, b.nonce(o.Nonce)}, e.Time)
		s := saying{e: e, op: i, kind: o.Kind, item: id, Content: o.content(), mode: fs.FileMode(o.Mode), parent: rows[o.Parent], name: o.To}
		for j := 0; j < len(o.Replaces); j += 2 {
			s.replaces = append(s.replaces, Version{b.cite(o.Replaces[j]), o.Replaces[j+1]})
		}
		m.said = append(m.said, s)
	}
}

// inside reports whether an item is, or lies in, another.
func (m *model) inside(id, folder ID) bool {
	for id != (ID{}) && id != folder {
		id = m.items[id].parent
	}
	return id == folder
}

func (m *model) visible(n *modelItem) bool {
	if len(n.force) > 0 {
		return true
	}
	for _, c := range m.items {
		if n.Type == Folder && c.parent == n.id && c.id != (ID{}) && m.visible(c) {
			return true
		}
	}
	return false
}

// tree returns all paths, and what is shown there.
func (m *model) tree() map[string]string {
	paths := map[string]string{}
	m.list(paths, "", []ID{{}})
	return paths
}

func (m *model) list(paths map[string]string, path string, union []ID) {
	names := map[string][]*modelItem{}
	for _, n := range m.items {
		if n.id != (ID{}) && slices.Contains(union, n.parent) && m.visible(n) {
			names[n.name] = append(names[n.name], n)
		}
	}
	for name, items := range names {
		m.show1(paths, path, name, items)
	}
}

// show1 adds what one name stands for.
func (m *model) show1(paths map[string]string, path, name string, items []*modelItem) {
	slices.SortFunc(items, func(a, b *modelItem) int {
		return cmp.Or(cmp.Compare(a.placed, b.placed), bytes.Compare(a.id[:], b.id[:]))
	})
	var folders []ID
	contents := map[string][]saying{}
	for _, n := range items {
		if n.Type == Folder {
			folders = append(folders, n.id)
			continue
		}
		for _, s := range n.force {
			key := fmt.Sprint(n.Type, s.Blob, s.Manifest, s.Target)
			contents[key] = append(contents[key], s)
		}
	}
	groups := slices.Collect(maps.Values(contents))
	for _, g := range groups {
		slices.SortFunc(g, func(a, b saying) int { return older(b, a) })
	}
	slices.SortFunc(groups, func(a, b []saying) int { return older(b[0], a[0]) })
	if len(folders) > 0 {
		add(paths, join(path, name), fmt.Sprint("folder ", folders, m.items[folders[0]].mode, len(groups) > 0))
		m.list(paths, join(path, name), folders)
	} else {
		add(paths, join(path, name), m.describe(groups[0], len(groups) > 1, false))
		groups = groups[1:]
	}
	for _, g := range groups {
		s := m.first(g)
		at := join(path, modelCopy(name, s, fmt.Sprintf("%x", s.e.ID[:4])))
		if paths[at] != "" { // two of one change set
			at = join(path, modelCopy(name, s, fmt.Sprintf("%x-%d-1", s.e.ID[:8], s.op)))
		}
		add(paths, at, m.describe(g, true, true))
	}
}

// modelCopy names a conflict copy.
func modelCopy(name string, s saying, digits string) string {
	stem, ext, dot := strings.Cut(name, ".")
	if dot {
		ext = "." + ext
	}
	at := s.e.Time.Wall().UTC().Format("2006-01-02 150405")
	return fmt.Sprintf("%s (conflict %s %s %s)%s", stem, s.e.Author.Short(), at, digits, ext)
}

// first returns which of equal versions is shown: the newest of the item that has the oldest.
func (m *model) first(g []saying) saying {
	elder := g[len(g)-1].item
	return g[slices.IndexFunc(g, func(s saying) bool { return s.item == elder })]
}

func (m *model) describe(g []saying, conflict, copied bool) string {
	s := m.first(g)
	n := m.items[s.item]
	var same []Version
	for _, o := range g {
		if o.version() != s.version() {
			same = append(same, o.version())
		}
	}
	return describeRow(Shown{
		Item: n.id, Type: n.Type, Mode: n.mode, Conflict: conflict, Copy: copied, Same: same,
		Stated: Stated{Version: s.version(), Content: s.Content},
	})
}

// describeRow says what a test compares.
func describeRow(r Shown) string {
	if r.Type == Folder {
		return fmt.Sprint("folder ", r.Folders, r.Mode, r.Conflict)
	}
	return fmt.Sprint(r.Type, r.Item, r.Version, r.Content, r.Mode, r.Conflict, r.Copy, r.Same)
}

func add(paths map[string]string, path, what string) {
	if _, twice := paths[path]; twice {
		panic(path + " is there twice")
	}
	paths[path] = what
}
