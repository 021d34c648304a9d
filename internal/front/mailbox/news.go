package mailbox

import (
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/mootspace/moot/internal/mail"
)

// Poll implements imapserver.Session.
func (s *imapSession) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	v := s.selected.Load()
	if v == nil {
		return nil
	}
	return v.tell(w, allowExpunge)
}

// Idle implements imapserver.Session. When a connection breaks, it may run beside
// Close.
func (s *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	if !s.conn.hold() {
		return nil
	}
	defer s.conn.release()
	v := s.selected.Load()
	if v == nil {
		<-stop
		return nil
	}
	if err := v.tell(w, true); err != nil {
		return err
	}
	for {
		select {
		case <-stop:
			return nil
		case <-v.ctx.Done():
			return nil
		case <-v.changed:
			v.touch()
			if err := v.tell(w, true); err != nil {
				return err
			}
		}
	}
}

// tell brings the client's view up to date. Without allowExpunge the numbers of
// messages stay what they are (RFC 9051, 7.5.1).
func (v *selection) tell(w *imapserver.UpdateWriter, allowExpunge bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := len(v.messages)
	v.look()
	for i := range v.messages {
		m := &v.messages[i]
		if m.told || m.gone || i >= known {
			m.told = true
			continue
		}
		m.told = true
		if err := w.WriteMessageFlags(uint32(i+1), m.uid, shownFlags(m.flags)); err != nil {
			return err
		}
	}
	grown := len(v.messages) > known
	if allowExpunge {
		if err := v.dropGone(known, w.WriteExpunge); err != nil {
			return err
		}
	}
	if grown {
		return w.WriteNumMessages(uint32(len(v.messages)))
	}
	return nil
}

// dropGone forgets the messages that are gone and tells the client of those it knows,
// the first known of them, from the last on: so no number changes before it is told.
func (v *selection) dropGone(known int, write func(uint32) error) error {
	for i := len(v.messages) - 1; i >= 0; i-- {
		if !v.messages[i].gone {
			continue
		}
		if i < known {
			if err := write(uint32(i + 1)); err != nil {
				return err
			}
		}
	}
	v.messages = slices.DeleteFunc(v.messages, func(m message) bool { return m.gone })
	return nil
}

// look asks the Mailbox for what has changed, if anything may have. When that fails,
// it is asked again at the next occasion.
func (v *selection) look() {
	select {
	case <-v.changed:
		v.stale = true
	default:
	}
	if !v.stale {
		return
	}
	err := v.refresh()
	v.stale = err != nil
	if err != nil && v.ctx.Err() == nil {
		v.log.Warn("look for new mail", "err", err)
	}
}

func (v *selection) refresh() error {
	all, err := v.mb.Folders(v.ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, named(v.folder))
	if i < 0 || all[i].Validity != v.validity { // the folder that was selected is no more
		for i := range v.messages {
			v.messages[i].gone = true
		}
		return nil
	}
	if f := all[i]; f.ModSeq != v.modseq || f.Messages != v.present() {
		return v.catchUp(f)
	}
	return nil
}

// catchUp asks for what has changed since the last time; for everything only if
// something must have been removed.
func (v *selection) catchUp(f mail.Folder) error {
	q := mail.Query{Folder: v.folder, Since: v.modseq, Brief: true}
	items, err := v.mb.List(v.ctx, q)
	if err != nil {
		return err
	}
	v.merge(items)
	if v.present() != f.Messages {
		q.Since = 0
		if items, err = v.mb.List(v.ctx, q); err != nil {
			return err
		}
		v.merge(items)
		v.keepOnly(items)
	}
	v.modseq = f.ModSeq
	return nil
}

func (v *selection) present() (n int) {
	for _, m := range v.messages {
		if !m.gone {
			n++
		}
	}
	return n
}

// merge takes over what items say.
func (v *selection) merge(items []mail.Item) {
	for _, it := range items {
		i, there := v.at(imap.UID(it.UID))
		switch {
		case !there && i == len(v.messages):
			v.messages = append(v.messages, newMessage(it))
		case there && !equalFlags(v.messages[i].flags, it.Flags):
			v.messages[i].flags, v.messages[i].told = it.Flags, false
		}
		v.learn(it.Flags)
	}
}

// keepOnly marks what is not in items as gone.
func (v *selection) keepOnly(items []mail.Item) {
	there := make(map[imap.UID]bool, len(items))
	for _, it := range items {
		there[imap.UID(it.UID)] = true
	}
	for i := range v.messages {
		if !there[v.messages[i].uid] {
			v.messages[i].gone = true
		}
	}
}
