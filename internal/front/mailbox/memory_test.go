package mailbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"iter"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gomail "github.com/emersion/go-message/mail"
	"github.com/emersion/go-message/textproto"

	gomessage "github.com/emersion/go-message"

	"github.com/mootspace/moot"
	moots "github.com/mootspace/moot/internal/mail"
)

// memory is a Mailbox in memory.
type memory struct {
	mu         sync.Mutex
	folders    []*folder
	texts      map[moot.BlobID][]byte
	modseq     uint64
	subscribed map[string]bool
	watch      map[chan []string]struct{}

	sent     []outgoing
	sendErr  error
	openErr  error // of messages without content
	truncate bool  // Open returns a truncated message
	opened   atomic.Int64
	read     atomic.Int64 // bytes
}

type folder struct {
	moots.Folder
	items []moots.Item
}

type outgoing struct {
	to   []string
	text string
}

func newMemory() *memory {
	m := &memory{subscribed: map[string]bool{}, texts: map[moot.BlobID][]byte{}, watch: map[chan []string]struct{}{}, modseq: 1}
	for _, f := range [][2]string{{moots.Inbox, ""}, {moots.SentFolder, `\Sent`}, {moots.DraftsFolder, `\Drafts`}, {moots.TrashFolder, `\Trash`}, {"Channels/general", ""}} {
		m.makeFolder(f[0], f[1])
	}
	return m
}

func (m *memory) makeFolder(name, use string) {
	m.modseq++
	m.folders = append(m.folders, &folder{Folder: moots.Folder{Name: name, Use: use, Validity: uint32(m.modseq), Next: 1, ModSeq: m.modseq}})
}

func (m *memory) at(name string) *folder {
	if i := slices.IndexFunc(m.folders, func(f *folder) bool { return f.Name == name }); i >= 0 {
		return m.folders[i]
	}
	return nil
}

// changed notifies watchers of folders.
func (m *memory) changed(names ...string) {
	for c := range m.watch {
		select {
		case c <- names:
		default:
			panic("a watcher sleeps")
		}
	}
}

func (m *memory) Send(_ context.Context, o moots.Outgoing) (moots.Sent, error) {
	if m.sendErr != nil {
		return moots.Sent{}, m.sendErr
	}
	b, err := io.ReadAll(o.MIME)
	if err != nil {
		return moots.Sent{}, moot.Wrap("send", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, outgoing{o.To, string(b)})
	return moots.Sent{}, nil
}

func (m *memory) Save(_ context.Context, name string, flags []moots.Flag, at time.Time, r io.Reader) (moots.Item, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return moots.Item{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.at(name)
	if f == nil {
		return moots.Item{}, moot.Errorf(moot.NotFound, "no folder %s", name)
	}
	id := moot.BlobID(sha256.Sum256(b))
	m.texts[id] = b
	if at.IsZero() {
		at = time.Now()
	}
	it := m.put(f, moots.Item{ID: id, Flags: flags, Summary: summarize(b, at)})
	m.changed(name)
	return it, nil
}

func (m *memory) put(f *folder, it moots.Item) moots.Item {
	m.modseq++
	it.Folder, it.UID, it.ModSeq = f.Name, f.Next, m.modseq
	f.Next++
	f.ModSeq = m.modseq
	f.items = append(f.items, it)
	return it
}

func summarize(b []byte, at time.Time) moots.Summary {
	raw, _ := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(b)))
	h := gomail.Header{Header: gomessage.Header{Header: raw}}
	s := moots.Summary{Arrived: at, Size: int64(len(b))}
	s.Subject, _ = h.Subject()
	s.Date, _ = h.Date()
	s.MessageID, _ = h.MessageID()
	s.References, _ = h.MsgIDList("References")
	for _, field := range []string{"To", "Cc"} {
		list, _ := mail.ParseAddressList(h.Get(field))
		for _, a := range list {
			s.To = append(s.To, a.String())
		}
	}
	if a, err := mail.ParseAddress(h.Get("From")); err == nil {
		s.From = a.String()
	}
	return s
}

func (m *memory) Folders(context.Context) ([]moots.Folder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []moots.Folder
	for _, f := range m.folders {
		out := f.Folder
		for _, it := range f.items {
			out.Messages++
			out.Size += it.Size
			if !slices.Contains(it.Flags, moots.Seen) {
				out.Unseen++
			}
			if slices.Contains(it.Flags, moots.Deleted) {
				out.Deleted++
			}
		}
		list = append(list, out)
	}
	return list, nil
}

func (m *memory) SetFolder(_ context.Context, from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if from == "" {
		m.makeFolder(to, "")
		m.changed(to)
		return nil
	}
	f := m.at(from)
	if f == nil {
		return moot.Errorf(moot.NotFound, "no folder %s", from)
	}
	if f.Use != "" || from == moots.Inbox {
		return moot.Errorf(moot.Denied, "%s stays", from)
	}
	m.folders = slices.DeleteFunc(m.folders, func(one *folder) bool { return one == f })
	if to != "" {
		m.makeFolder(to, "")
		for _, it := range f.items {
			m.put(m.at(to), it)
		}
	}
	m.changed(from, to)
	return nil
}

func (m *memory) Subscriptions(context.Context) (map[string]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.subscribed), nil
}

func (m *memory) Subscribe(_ context.Context, folder string, on bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subscribed[folder] = on
	return nil
}

func (m *memory) Quota(context.Context) (used, limit int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.texts {
		used += int64(len(b))
	}
	return used, 1 << 30, nil
}

func (m *memory) List(_ context.Context, q moots.Query) ([]moots.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []moots.Item
	if f := m.at(q.Folder); f != nil {
		for _, it := range f.items {
			if it.ModSeq <= q.Since {
				continue
			}
			if q.Brief {
				it.Summary = moots.Summary{Size: it.Size, Arrived: it.Arrived}
			}
			list = append(list, it)
		}
	}
	return list, nil
}

func (m *memory) Open(_ context.Context, id moot.BlobID) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.texts[id]
	switch {
	case !ok && m.openErr != nil:
		return nil, m.openErr
	case !ok:
		return nil, moot.Errorf(moot.NotFound, "no such message")
	case m.truncate:
		b = b[:len(b)/2]
	}
	m.opened.Add(1)
	return io.NopCloser(&counted{bytes.NewReader(b), &m.read}), nil
}

type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (m *memory) Change(_ context.Context, changes ...moots.Change) ([]moots.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []moots.Item
	for _, c := range changes {
		if it, ok := m.changeOne(c); ok {
			list = append(list, it)
		}
	}
	return list, nil
}

func (m *memory) changeOne(c moots.Change) (moots.Item, bool) {
	f := m.at(c.Folder)
	i := slices.IndexFunc(f.items, func(it moots.Item) bool { return it.UID == c.UID })
	if i < 0 {
		return moots.Item{}, false
	}
	m.modseq++
	f.ModSeq = m.modseq
	it := f.items[i]
	switch {
	case c.Remove:
		f.items = slices.Delete(f.items, i, i+1)
		it.UID = 0
	case c.Move != "":
		f.items = slices.Delete(f.items, i, i+1)
		it = m.put(m.at(c.Move), it)
	case c.Copy != "":
		it = m.put(m.at(c.Copy), it)
	default:
		flags := slices.Clone(c.Set)
		for _, f := range it.Flags {
			if !c.Exact && !slices.Contains(c.Clear, f) && !slices.Contains(flags, f) {
				flags = append(flags, f)
			}
		}
		it.Flags, it.ModSeq = flags, m.modseq
		f.items[i] = it
	}
	m.changed(c.Folder, c.Move, c.Copy)
	return it, true
}

func (m *memory) Receipts(context.Context, moot.BlobID) ([]moots.Receipt, error) { return nil, nil }

func (m *memory) Watch(ctx context.Context) iter.Seq[[]string] {
	c := make(chan []string, 1<<16)
	m.mu.Lock()
	m.watch[c] = struct{}{}
	m.mu.Unlock()
	return func(yield func([]string) bool) {
		defer func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.watch, c)
		}()
		for {
			select {
			case names := <-c:
				if !yield(names) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// crlf makes a message of lines.
func crlf(lines ...string) string {
	return strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "\n", "\r\n")
}
