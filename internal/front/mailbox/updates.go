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
	return v.sendUpdates(w, allowExpunge)
}

// Idle implements imapserver.Session. On a broken connection it may run concurrently
// with Close.
func (s *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	if !s.conn.acquire() {
		return nil
	}
	defer s.conn.release()
	v := s.selected.Load()
	if v == nil {
		<-stop
		return nil
	}
	if err := v.sendUpdates(w, true); err != nil {
		return err
	}
	for {
		select {
		case <-stop:
			return nil
		case <-v.ctx.Done():
			return nil
		case <-v.changed:
			v.setChanged()
			if err := v.sendUpdates(w, true); err != nil {
				return err
			}
		}
	}
}

// sendUpdates updates the client's view. Without allowExpunge sequence numbers stay (RFC
// 9051, 7.5.1).
func (v *selection) sendUpdates(w *imapserver.UpdateWriter, allowExpunge bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := len(v.messages)
	v.poll()
	for i := range v.messages {
		m := &v.messages[i]
		if m.flagsSent || m.removed || i >= known {
			m.flagsSent = true
			continue
		}
		m.flagsSent = true
		if err := w.WriteMessageFlags(uint32(i+1), m.uid, protocolFlags(m.flags)); err != nil {
			return err
		}
	}
	grown := len(v.messages) > known
	if allowExpunge {
		if err := v.dropRemoved(known, w.WriteExpunge); err != nil {
			return err
		}
	}
	if !grown {
		return nil
	}
	if err := w.WriteNumMessages(uint32(len(v.messages))); err != nil {
		return err
	}
	return w.WriteNumRecent(v.countRecent())
}

// dropRemoved drops removed messages, and sends EXPUNGE for the first known ones, last
// first, so that no sequence number changes before it is sent.
func (v *selection) dropRemoved(known int, write func(uint32) error) error {
	for i := len(v.messages) - 1; i >= 0; i-- {
		if !v.messages[i].removed {
			continue
		}
		if i < known {
			if err := write(uint32(i + 1)); err != nil {
				return err
			}
		}
	}
	v.messages = slices.DeleteFunc(v.messages, func(m message) bool { return m.removed })
	return nil
}

// poll reads changes from the Mailbox, if there may be any. A failure is retried by the
// next call.
func (v *selection) poll() {
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
		v.log.Warn("poll for new mail", "err", err)
	}
}

func (v *selection) refresh() error {
	all, err := v.mb.Folders(v.ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, named(v.folder))
	if i < 0 || all[i].Validity != v.validity { // the selected folder was removed
		for i := range v.messages {
			v.messages[i].removed = true
		}
		return nil
	}
	if f := all[i]; f.ModSeq != v.modseq || f.Messages != v.remaining() {
		return v.pull(f)
	}
	return nil
}

// pull lists the changes since the last time; the whole folder only if messages were
// removed.
func (v *selection) pull(f mail.Folder) error {
	q := mail.Query{Folder: v.folder, Since: v.modseq, Brief: true}
	items, err := v.mb.List(v.ctx, q)
	if err != nil {
		return err
	}
	v.merge(items)
	if v.remaining() != f.Messages {
		q.Since = 0
		if items, err = v.mb.List(v.ctx, q); err != nil {
			return err
		}
		v.merge(items)
		v.markRemoved(items)
	}
	v.modseq = f.ModSeq
	return nil
}

func (v *selection) remaining() (n int) {
	for _, m := range v.messages {
		if !m.removed {
			n++
		}
	}
	return n
}

// merge applies listed items to the view.
func (v *selection) merge(items []mail.Item) {
	defer v.markRecent(len(v.messages))
	for _, it := range items {
		i, there := v.index(imap.UID(it.UID))
		switch {
		case !there && i == len(v.messages):
			v.messages = append(v.messages, newMessage(it))
		case there && !equalFlags(v.messages[i].flags, it.Flags):
			v.messages[i].flags, v.messages[i].flagsSent = it.Flags, false
		}
		if i < len(v.messages) && uint32(v.messages[i].uid) == it.UID {
			v.messages[i].modseq = it.ModSeq
		}
		v.addKeywords(it.Flags)
	}
}

// markRemoved marks messages that are not in items.
func (v *selection) markRemoved(items []mail.Item) {
	there := make(map[imap.UID]bool, len(items))
	for _, it := range items {
		there[imap.UID(it.UID)] = true
	}
	for i := range v.messages {
		if !there[v.messages[i].uid] {
			v.messages[i].removed = true
		}
	}
}
