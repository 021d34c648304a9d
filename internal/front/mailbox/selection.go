package mailbox

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// selection is the client's view of a selected folder: the messages by sequence number
// (RFC 9051, 2.3.1.2). It changes only with the updates that are sent.
type selection struct {
	ctx      context.Context //nolint:containedctx // imapserver's callbacks take none
	cancel   context.CancelFunc
	mb       mail.Mailbox
	log      *slog.Logger
	folder   string
	validity uint32
	next     imap.UID // of the folder, when it was selected
	readOnly bool
	changed  chan struct{} // signals that the folder may have changed

	mu        sync.Mutex // IDLE runs concurrently with the command that ends it
	stale     bool       // changes were not read yet
	modseq    uint64
	messages  []message
	keywords  []mail.Flag
	recent    *recentMarks
	recentKey string
	found     imap.UIDSet // saved by the last SEARCH (RFC 9051, 6.4.4.1)
}

// message is the client's view of a message.
type message struct {
	uid       imap.UID
	id        moot.BlobID
	modseq    uint64
	size      int64
	arrived   time.Time
	flags     []mail.Flag
	recent    bool // no other session was told of it
	removed   bool // removed, and EXPUNGE not sent yet
	flagsSent bool // the flags were sent
}

func newMessage(it mail.Item) message {
	return message{uid: imap.UID(it.UID), id: it.ID, modseq: it.ModSeq, size: it.Size, arrived: it.Arrived.UTC(), flags: it.Flags, flagsSent: true}
}

// Select implements imapserver.Session.
func (s *imapSession) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	v := &selection{mb: s.mb, log: s.server.cfg.Log, folder: name, readOnly: options.ReadOnly, recent: s.server.recent, changed: make(chan struct{}, 1)}
	v.ctx, v.cancel = context.WithCancel(s.ctx)
	changes := s.mb.Watch(v.ctx) // before reading the folder, so that no change is missed
	f, err := s.folder(name)
	if err == nil {
		v.folder, v.validity, v.next, v.modseq = f.Name, f.Validity, imap.UID(f.Next), f.ModSeq
		v.recentKey = s.recentKey(f)
		err = s.failure(v.load())
	}
	if err != nil {
		v.cancel()
		return nil, err
	}
	if err := s.extension.send(fmt.Sprintf("* OK [HIGHESTMODSEQ %d] Highest\r\n", max(1, f.ModSeq))); err != nil {
		v.cancel()
		return nil, err
	}
	s.extension.selected(v)
	go v.watch(changes)
	s.selected.Store(v)
	data := &imap.SelectData{
		Flags: v.flags(), PermanentFlags: v.flags(), NumMessages: uint32(len(v.messages)), NumRecent: v.countRecent(),
		UIDNext: imap.UID(f.Next), UIDValidity: f.Validity, HighestModSeq: f.ModSeq,
		FirstUnseenSeqNum: uint32(1 + slices.IndexFunc(v.messages, func(m message) bool { return !hasFlag(m.flags, mail.Seen) })),
	}
	if v.readOnly {
		data.PermanentFlags = nil
	} else {
		data.PermanentFlags = append(data.PermanentFlags, imap.FlagWildcard)
	}
	if s.client.EnabledCaps().Has(imap.CapIMAP4rev2) {
		data.List = node{name: canonicalName(f.Name), folder: &f}.data(&imap.ListOptions{})
	}
	return data, nil
}

// Unselect implements imapserver.Session.
func (s *imapSession) Unselect() error {
	if s.content != nil {
		s.content.close()
		s.content = nil
	}
	if v := s.selected.Swap(nil); v != nil {
		v.cancel()
	}
	return nil
}

func (v *selection) load() error {
	items, err := v.mb.List(v.ctx, mail.Query{Folder: v.folder, Brief: true})
	v.messages = make([]message, 0, len(items))
	for _, it := range items {
		v.messages = append(v.messages, newMessage(it))
		v.addKeywords(it.Flags)
	}
	v.markRecent(0)
	return err
}

// watch signals changes of the folder.
func (v *selection) watch(changes iter.Seq[[]string]) {
	for folders := range changes {
		if len(folders) == 0 || slices.Contains(folders, v.folder) {
			v.setChanged()
		}
	}
}

// setChanged makes the next poll read the Mailbox.
func (v *selection) setChanged() {
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// index returns the index of a message by UID.
func (v *selection) index(uid imap.UID) (int, bool) {
	return slices.BinarySearchFunc(v.messages, uid, func(m message, uid imap.UID) int { return int(int64(m.uid) - int64(uid)) })
}

// pick returns the indexes of the messages that a set names. Sequence numbers beyond the
// last message are an error (RFC 9051, 9: seq-number); unknown UIDs are not.
func (v *selection) pick(set imap.NumSet) ([]int, error) {
	in := make([]bool, len(v.messages))
	mark := func(from, to int) {
		for i := from; i < to; i++ {
			in[i] = true
		}
	}
	switch set := v.static(set).(type) {
	case imap.SeqSet:
		for _, r := range set {
			if int64(r.Start) > int64(len(in)) {
				return nil, bad("There is no message with that number")
			}
			mark(max(0, int(r.Start)-1), min(len(in), int(r.Stop)))
		}
	case imap.UIDSet:
		for _, r := range set {
			from, _ := v.index(r.Start)
			to, there := v.index(r.Stop)
			if there {
				to++
			}
			mark(from, to)
		}
	}
	var list []int
	for i, yes := range in {
		if yes {
			list = append(list, i)
		}
	}
	return list, nil
}

// static resolves * and $.
func (v *selection) static(set imap.NumSet) imap.NumSet {
	if imap.IsSearchRes(set) {
		return v.found
	}
	n := len(v.messages)
	switch set := set.(type) {
	case imap.SeqSet:
		var out imap.SeqSet
		for _, r := range set {
			if n > 0 {
				out.AddRange(between(r.Start, r.Stop, uint32(n)))
			}
		}
		return out
	case imap.UIDSet:
		var out imap.UIDSet
		for _, r := range set {
			if n > 0 {
				out.AddRange(between(r.Start, r.Stop, v.messages[n-1].uid))
			}
		}
		return out
	}
	return set
}

// between resolves 0, which stands for *, to last.
func between[N imap.UID | uint32](from, to, last N) (N, N) {
	if from == 0 {
		from = last
	}
	if to == 0 {
		to = last
	}
	return min(from, to), max(from, to)
}
