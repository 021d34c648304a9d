package folders

import (
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// change is a change set that is about to be stated.
type change struct {
	*folder
	tree  *tree.Tree
	edit  *tree.Edit
	names map[*node]map[string][]tree.Shown
	made  map[*node]record // what the change names for the first time
	named []outgoing       // whose bytes the change names
	after []agreement
}

// agreement is what is recorded at a node once the change is stated.
type agreement struct {
	*node
	record
	stated bool // the change states its content
	remove bool // the node is no more
	body   int  // which of the change's entries completes it; -1: it needs none
	op     int  // of that entry, which states the content
}

// all drafts a batch: folders before what they contain, removals last.
func (d *change) all(read []outgoing) error {
	if err := d.root(); err != nil {
		return err
	}
	for _, o := range read {
		if o.gone {
			continue
		}
		if err := d.one(o); err != nil {
			d.failed(o.path(), err)
		}
	}
	for _, o := range slices.Backward(read) { // the deepest first
		if o.gone {
			d.removed(o)
		}
	}
	return nil
}

// root has the folder of the space made if there is none yet.
func (d *change) root() error {
	r := d.local.root
	shown := d.remoteFolders(d.tree)
	if len(shown) > 0 {
		r.Item, r.Folders = shown[0], shown
	} else {
		id, err := d.edit.Folder(d.settings.Name, tree.Content{ModTime: d.now()}, 0o755)
		if err != nil {
			return err
		}
		r.Item, r.Folders = id, []tree.ID{id}
	}
	return nil
}

// one drafts what was observed at a node.
func (d *change) one(o outgoing) error {
	if d.known(o.parent).Item == (tree.ID{}) {
		return nil // its folder failed
	}
	if o.Item == (tree.ID{}) {
		return d.born(o)
	}
	r, stated := o.record, false
	if o.Copy && (o.moved || o.blob.ID != o.Blob.ID) {
		return d.copyEdited(o)
	}
	if o.moved {
		if err := d.moved(o, &r); err != nil {
			return err
		}
	}
	if o.seen != nil {
		stated = d.changed(o, &r)
	}
	d.after = append(d.after, agreement{node: o.node, record: r, stated: stated})
	return nil
}

// moved drafts another place, unless the item is there already.
func (d *change) moved(o outgoing, r *record) error {
	items := o.Folders
	if len(items) == 0 {
		items = []tree.ID{o.Item}
	}
	now, known := d.tree.Item(o.Item)
	up := d.known(o.parent)
	r.Parent, r.Name = up.Item, o.name
	if known && slices.Contains(up.Folders, now.Parent) && now.Name == o.name {
		return nil
	}
	return d.edit.Move(items, up.Item, o.name)
}

// known returns what the space knows a node as, once the change is stated.
func (d *change) known(n *node) record {
	if r, is := d.made[n]; is {
		return r
	}
	return n.record
}

// changed drafts content and mode, and reports whether the content is stated.
func (d *change) changed(o outgoing, r *record) (stated bool) {
	now, _ := d.tree.Item(o.Item)
	r.Stat = o.stat
	if o.kind != tree.Folder {
		stated = d.content(o, r, now)
	}
	if o.Copy { // a version that lost has the mode that it had
		d.progress.applied = false
	} else if mode := o.stat.Mode; o.kind != tree.Link && !stated && mode != o.Stat.Mode && o.Stat.Inode != 0 && mode != now.Mode {
		d.edit.Chmod(o.Item, mode)
	}
	r.Mode = o.stat.Mode
	return stated
}

// content drafts the content of a known item, unless the space has it.
func (d *change) content(o outgoing, r *record, now tree.Item) (stated bool) {
	same := o.blob.ID == o.Blob.ID && o.target == o.Target && o.stat.ModTime.Equal(o.Stat.ModTime)
	for _, v := range now.Versions {
		if same || v.Blob.ID == o.blob.ID && v.Target == o.target && !slices.Contains(o.Versions, v.Version) {
			if !same { // put in place before a crash, or written alike by somebody else
				r.Versions, r.Blob, r.Target, r.ModTime = []tree.Version{v.Version}, o.blob, o.target, v.ModTime
			}
			return false
		}
	}
	if n := o.Next; n != nil && n.Blob.ID == o.blob.ID && o.kind == tree.File {
		r.Versions, r.Blob, r.Next = n.Versions, n.Blob, nil
		return false
	}
	c := tree.Content{Blob: o.blob, Target: o.target, ModTime: o.stat.ModTime}
	d.edit.Replace(o.Item, c, o.stat.Mode, append(slices.Clone(o.Versions), d.seenBeside(o)...)...)
	r.Blob, r.Target, r.ModTime, r.Next = o.blob, o.target, o.stat.ModTime, nil
	if o.kind == tree.File {
		d.named = append(d.named, o)
	}
	return true
}

// seenBeside returns the versions that were beside a file for long enough to be seen: who
// writes the name again has decided about them.
func (d *change) seenBeside(o outgoing) (list []tree.Version) {
	for _, n := range d.local.items[o.Item] {
		if n.Copy && !n.gone && n != o.node && d.now().Sub(n.Since) >= endsOfShown {
			list = append(list, n.Versions...)
		}
	}
	return list
}

// born drafts a new name, unless the space has the same under it.
func (d *change) born(o outgoing) error {
	up := d.known(o.parent).Item
	r := record{Parent: up, Name: o.name, Stat: o.stat, Mode: o.stat.Mode, ModTime: o.stat.ModTime, Blob: o.blob, Target: o.target, Since: d.now()}
	if s, there := d.shownAt(o); there {
		r.Item, r.Folders, r.Copy = s.Item, s.Folders, s.Copy
		r.Versions = versionsOf(s)
		d.progress.applied = false // permissions and time may differ
		if s.Copy {
			r.Name = s.Name
		}
		d.after = append(d.after, agreement{node: o.node, record: r})
		d.made[o.node] = r
		return nil
	}
	id, err := d.edit.Create(up, o.name, o.kind, tree.Content{Blob: o.blob, Target: o.target, ModTime: o.stat.ModTime}, o.stat.Mode)
	if err != nil {
		return err
	}
	r.Item = id
	if o.kind == tree.Folder {
		r.Folders = []tree.ID{id}
	} else if o.kind == tree.File {
		d.named = append(d.named, o)
	}
	d.made[o.node] = r
	d.after = append(d.after, agreement{node: o.node, record: r, stated: true})
	return nil
}

// shownAt returns what the space shows under a node's name, if it is the same.
func (d *change) shownAt(o outgoing) (tree.Shown, bool) {
	for _, s := range d.shownIn(o.parent)[o.name] {
		if s.Type != o.kind {
			continue
		}
		if o.kind == tree.Folder || o.kind == tree.File && s.Blob.ID == o.blob.ID || o.kind == tree.Link && s.Target == o.target {
			return s, true
		}
	}
	return tree.Shown{}, false
}

// shownIn returns what the space shows in a folder, by name.
func (d *change) shownIn(n *node) map[string][]tree.Shown {
	if names, known := d.names[n]; known {
		return names
	}
	names, r := map[string][]tree.Shown{}, d.known(n)
	if _, known := d.tree.Item(r.Item); known || r.Item == (tree.ID{}) { // else it is born with this change
		for _, s := range d.tree.ReadDir(r.Folders...) {
			names[s.Name] = append(names[s.Name], s)
		}
	}
	d.names[n] = names
	return names
}

func versionsOf(s tree.Shown) (list []tree.Version) {
	if s.Version != (tree.Version{}) {
		list = append(list, s.Version)
	}
	return append(list, s.Same...)
}

// copyEdited makes a conflict copy that somebody edited or renamed a file of its own, and
// ends the version that it was.
func (d *change) copyEdited(o outgoing) error {
	d.edit.Remove(o.Item, o.Versions...)
	return d.born(o)
}

// removed drafts the end of what was shown at a node.
func (d *change) removed(o outgoing) {
	items := o.Folders
	if len(items) == 0 {
		items = []tree.ID{o.Item}
	}
	for _, id := range items {
		now, _ := d.tree.Item(id)
		var ends []tree.Version
		for _, v := range now.Versions {
			if o.kind == tree.Folder || slices.Contains(o.Versions, v.Version) {
				ends = append(ends, v.Version)
			}
		}
		if len(ends) > 0 {
			d.edit.Remove(id, ends...)
		}
	}
	d.after = append(d.after, agreement{node: o.node, remove: true})
}

// agree records what the space has accepted: one entry for each body of the change.
func (d *change) agree(entries []moot.EntryID) {
	for _, a := range d.after {
		d.unnotice(a.node)
		if a.remove {
			d.report(Event{What: "sent removal", Path: a.node.path()})
			d.local.remove(a.node)
			continue
		}
		if a.stated {
			d.report(Event{What: "sent", Path: a.node.path()})
		}
		a.agreed(d.local, entries)
	}
	if len(d.settings.Items) == 0 && d.local.root.Item != (tree.ID{}) {
		d.settings.Items = d.local.root.Folders
		d.progress.unsaved = true
	}
}

// agreed records what entries have stated of a node.
func (a agreement) agreed(l *local, entries []moot.EntryID) {
	if a.stated {
		a.record.Versions = []tree.Version{{Entry: entries[a.body], Op: uint32(a.op)}} //nolint:gosec // ops of one body
	}
	a.node.seen, a.node.moved = nil, false
	l.agree(a.node, a.record)
}

// locate notes which entry of the change completes each agreement.
func (d *change) locate(bodies []tree.Body) {
	type spot struct{ body, last, op int }
	spots := map[tree.ID]spot{}
	ops := d.edit.Ops()
	for i, b := range bodies {
		for at, op := range ops[:b.Ops] {
			s := spots[op.Item]
			s.last = i
			if op.Kind == tree.SetContent {
				s.body, s.op = i, at
			}
			spots[op.Item] = s
		}
		ops = ops[b.Ops:]
	}
	for i := range d.after {
		a := &d.after[i]
		a.body = -1
		for _, id := range append([]tree.ID{a.record.Item, a.node.Item}, a.node.Folders...) {
			if s, is := spots[id]; is {
				a.body, a.op = max(a.body, s.last), s.op
			}
		}
	}
}
