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

// change applies one change to messages, given by index, and returns the indexes of
// those that still exist. The caller sends the updates.
func (s *imapSession) change(indexes []int, c mail.Change) (changed []int, err error) {
	v := s.selected.Load()
	changes := make([]mail.Change, len(indexes))
	for i, p := range indexes {
		changes[i] = c
		changes[i].Folder, changes[i].UID = v.folder, uint32(v.messages[p].uid)
	}
	items, err := s.mb.Change(s.ctx, changes...)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if i, there := v.index(imap.UID(it.UID)); there {
			v.messages[i].flags, v.messages[i].modseq = it.Flags, it.ModSeq
			v.addKeywords(it.Flags)
			changed = append(changed, i)
		}
	}
	return changed, nil
}

// showFlags sends the flags of messages.
func (v *selection) showFlags(w *imapserver.FetchWriter, indexes []int) error {
	for _, i := range indexes {
		m := &v.messages[i]
		m.flagsSent = true
		r := w.CreateMessage(uint32(i + 1))
		r.WriteUID(m.uid)
		r.WriteFlags(protocolFlags(m.flags))
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
	flags, err := parseFlags(store.Flags)
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
	flags = v.canonical(flags)
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
	if store.Silent { // send only unexpected flags
		changed = slices.DeleteFunc(changed, func(i int) bool { return equalFlags(expected[i], v.messages[i].flags) })
	}
	return v.showFlags(w, changed)
}

// expect returns the flags that the client expects after a change.
func (v *selection) expect(indexes []int, c mail.Change) map[int][]mail.Flag {
	all := make(map[int][]mail.Flag, len(indexes))
	for _, i := range indexes {
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
	if f.Name == v.folder {
		v.setChanged()
	}
	if err := v.present(picked); err != nil { // all of them are copied, or none (RFC 9051, 6.4.7)
		return nil, s.failure(err)
	}
	data, there, err := s.transfer(picked, mail.Change{Copy: f.Name}, f)
	if err == nil && len(there) < len(picked) {
		err = errExpunged
	}
	return data, s.failure(err)
}

var errExpunged = no(respUnissued, "Some messages were removed concurrently")

// present fails if one of the messages was removed.
func (v *selection) present(indexes []int) error {
	items, err := v.mb.List(v.ctx, mail.Query{Folder: v.folder, Brief: true})
	if err != nil {
		return err
	}
	uids := make(map[imap.UID]bool, len(items))
	for _, it := range items {
		uids[imap.UID(it.UID)] = true
	}
	if slices.ContainsFunc(indexes, func(i int) bool { return !uids[v.messages[i].uid] }) {
		v.setChanged()
		return errExpunged
	}
	return nil
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
	if err != nil || len(picked) == 0 || f.Name == v.folder {
		return err
	}
	data, moved, err := s.transfer(picked, mail.Change{Move: f.Name}, f)
	if err != nil {
		return s.failure(err)
	}
	if data != nil {
		if err := w.WriteCopyData(data); err != nil {
			return err
		}
	}
	if len(moved) == 0 {
		v.setChanged()
		return errExpunged
	}
	return v.remove(moved, w.WriteExpunge)
}

// transfer copies or moves messages, and returns their new UIDs and the indexes of those
// that existed.
func (s *imapSession) transfer(indexes []int, c mail.Change, to mail.Folder) (*imap.CopyData, []int, error) {
	v := s.selected.Load()
	changes := make([]mail.Change, len(indexes))
	for i, p := range indexes {
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
	for _, p := range indexes {
		m := v.messages[p]
		if len(items) == 0 || items[0].ID != m.id { // removed concurrently
			continue
		}
		if data != nil && items[0].UID > last {
			last = items[0].UID
			data.SourceUIDs.AddNum(m.uid)
			data.DestUIDs.AddNum(imap.UID(last))
		} else {
			data = nil // COPYUID pairs both sets in the order of UIDs
		}
		there = append(there, p)
		items = items[1:]
	}
	if len(there) == 0 {
		data = nil
	}
	return data, there, nil
}

// remove removes messages from the view and sends EXPUNGE.
func (v *selection) remove(indexes []int, write func(uint32) error) error {
	for _, i := range indexes {
		v.messages[i].removed = true
	}
	return v.dropRemoved(len(v.messages), write)
}

// Expunge implements imapserver.Session. It uses the current flags, which the client may
// not have received yet.
func (s *imapSession) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	v := s.selected.Load()
	if v.readOnly {
		if *w == (imapserver.ExpungeWriter{}) { // CLOSE, which then removes nothing (RFC 9051, 6.4.1)
			return nil
		}
		return errReadOnly
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	changes, err := v.removals(uids)
	if err != nil || len(changes) == 0 {
		return s.failure(err)
	}
	if _, err := s.mb.Change(s.ctx, changes...); err != nil && !errors.Is(err, moot.NotFound) {
		return s.failure(err)
	}
	var indexes []int
	for _, c := range changes {
		if i, there := v.index(imap.UID(c.UID)); there {
			indexes = append(indexes, i)
		}
	}
	return v.remove(indexes, w.WriteExpunge)
}

// removals returns changes that remove messages with the flag \Deleted.
func (v *selection) removals(uids *imap.UIDSet) (changes []mail.Change, err error) {
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
