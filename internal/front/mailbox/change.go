package mailbox

import (
	"errors"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

var errReadOnly = no(imap.ResponseCodeNoPerm, "The folder is open for reading only: SELECT it")

// change makes one change to messages, given by their places, and returns the places of
// those that are still there. The client is yet to be told.
func (s *imapSession) change(places []int, c mail.Change) (changed []int, err error) {
	v := s.selected.Load()
	changes := make([]mail.Change, len(places))
	for i, p := range places {
		changes[i] = c
		changes[i].Folder, changes[i].UID = v.folder, uint32(v.messages[p].uid)
	}
	items, err := s.mb.Change(s.ctx, changes...)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if i, there := v.at(imap.UID(it.UID)); there {
			v.messages[i].flags = it.Flags
			v.learn(it.Flags)
			changed = append(changed, i)
		}
	}
	return changed, nil
}

// showFlags tells the client the flags of messages.
func (v *selection) showFlags(w *imapserver.FetchWriter, places []int) error {
	for _, i := range places {
		m := &v.messages[i]
		m.told = true
		r := w.CreateMessage(uint32(i + 1))
		r.WriteUID(m.uid)
		r.WriteFlags(shownFlags(m.flags))
		if err := r.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Store implements imapserver.Session.
func (s *imapSession) Store(w *imapserver.FetchWriter, set imap.NumSet, store *imap.StoreFlags, _ *imap.StoreOptions) error {
	v := s.selected.Load()
	if v.readOnly {
		return errReadOnly
	}
	flags, err := ownFlags(store.Flags)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	picked, err := v.pick(set)
	if err != nil || len(picked) == 0 {
		return err
	}
	var c mail.Change
	flags = v.spelled(flags)
	switch store.Op {
	case imap.StoreFlagsSet:
		c.Set, c.Exact = flags, true
	case imap.StoreFlagsAdd:
		c.Set = flags
	case imap.StoreFlagsDel:
		c.Clear = flags
	}
	expected := v.expect(picked, c)
	changed, err := s.change(picked, c)
	if err != nil {
		return s.failure(err)
	}
	if store.Silent { // only what the client cannot know
		changed = slices.DeleteFunc(changed, func(i int) bool { return equalFlags(expected[i], v.messages[i].flags) })
	}
	return v.showFlags(w, changed)
}

// expect returns the flags that the client expects messages to have after a change.
func (v *selection) expect(places []int, c mail.Change) map[int][]mail.Flag {
	all := make(map[int][]mail.Flag, len(places))
	for _, i := range places {
		flags := slices.Clone(c.Set)
		for _, f := range v.messages[i].flags {
			if !c.Exact && !slices.Contains(c.Clear, f) {
				flags = append(flags, f)
			}
		}
		all[i] = flags
	}
	return all
}

// Copy implements imapserver.Session.
func (s *imapSession) Copy(set imap.NumSet, dest string) (*imap.CopyData, error) {
	f, err := s.target(dest)
	if err != nil {
		return nil, err
	}
	v := s.selected.Load()
	v.mu.Lock()
	defer v.mu.Unlock()
	picked, err := v.pick(set)
	if err != nil || len(picked) == 0 {
		return nil, err
	}
	if dest == v.folder {
		v.touch()
	}
	data, _, err := s.transfer(picked, mail.Change{Copy: dest}, f)
	return data, s.failure(err)
}

// Move implements imapserver.SessionMove.
func (s *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	v := s.selected.Load()
	if v.readOnly {
		return errReadOnly
	}
	f, err := s.target(dest)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	picked, err := v.pick(set)
	if err != nil || len(picked) == 0 || dest == v.folder {
		return err
	}
	data, moved, err := s.transfer(picked, mail.Change{Move: dest}, f)
	if err != nil {
		return s.failure(err)
	}
	if data != nil {
		if err := w.WriteCopyData(data); err != nil {
			return err
		}
	}
	return v.remove(moved, w.WriteExpunge)
}

// transfer copies or moves messages, and tells their new UIDs. It returns the places of
// those that were there.
func (s *imapSession) transfer(places []int, c mail.Change, to mail.Folder) (*imap.CopyData, []int, error) {
	v := s.selected.Load()
	changes := make([]mail.Change, len(places))
	for i, p := range places {
		changes[i] = c
		changes[i].Folder, changes[i].UID = v.folder, uint32(v.messages[p].uid)
	}
	items, err := s.mb.Change(s.ctx, changes...)
	if err != nil {
		return nil, nil, err
	}
	data := &imap.CopyData{UIDValidity: to.Validity}
	var there []int
	last := uint32(0)
	for _, p := range places {
		m := v.messages[p]
		if len(items) == 0 || items[0].ID != m.id { // it was removed elsewhere
			continue
		}
		if data != nil && items[0].UID > last {
			last = items[0].UID
			data.SourceUIDs.AddNum(m.uid)
			data.DestUIDs.AddNum(imap.UID(last))
		} else {
			data = nil // the protocol pairs both sets in the order of UIDs
		}
		there = append(there, p)
		items = items[1:]
	}
	if len(there) == 0 {
		data = nil
	}
	return data, there, nil
}

// remove takes messages away and tells the client.
func (v *selection) remove(places []int, write func(uint32) error) error {
	for _, i := range places {
		v.messages[i].gone = true
	}
	return v.dropGone(len(v.messages), write)
}

// Expunge implements imapserver.Session. It goes by what is marked now, which the
// client may not have heard of.
func (s *imapSession) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	v := s.selected.Load()
	if v.readOnly {
		if *w == (imapserver.ExpungeWriter{}) { // CLOSE, which removes nothing then (RFC 9051, 6.4.1)
			return nil
		}
		return errReadOnly
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	changes, err := v.doomed(uids)
	if err != nil || len(changes) == 0 {
		return s.failure(err)
	}
	if _, err := s.mb.Change(s.ctx, changes...); err != nil && !errors.Is(err, moot.NotFound) {
		return s.failure(err)
	}
	var places []int
	for _, c := range changes {
		if i, there := v.at(imap.UID(c.UID)); there {
			places = append(places, i)
		}
	}
	return v.remove(places, w.WriteExpunge)
}

// doomed returns the removal of what is marked as deleted.
func (v *selection) doomed(uids *imap.UIDSet) (changes []mail.Change, err error) {
	items, err := v.mb.List(v.ctx, mail.Query{Folder: v.folder, Brief: true})
	if err != nil {
		return nil, err
	}
	var set imap.UIDSet
	if uids != nil {
		set, _ = v.static(*uids).(imap.UIDSet)
	}
	for _, it := range items {
		if hasFlag(it.Flags, mail.Deleted) && (uids == nil || set.Contains(imap.UID(it.UID))) {
			changes = append(changes, mail.Change{Folder: v.folder, UID: it.UID, Remove: true})
		}
	}
	return changes, nil
}
