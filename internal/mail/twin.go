package mail

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
)

// imprint identifies the content of a message that is written to it. Mail programs file a
// copy of what they submit, which submission files, too: the two differ in the fields that
// submission adds and removes.
type imprint struct {
	head []byte // the header, with the empty line
	full bool   // the header has ended, or is too large
	over bool   // it is too large
	body *blake3.Hasher
}

func newImprint() *imprint { return &imprint{body: blake3.New(32, nil)} }

// Write implements io.Writer. It never fails.
func (p *imprint) Write(b []byte) (int, error) {
	if p.full {
		return p.body.Write(b)
	}
	from := max(0, len(p.head)-3)
	p.head = append(p.head, b...)
	end := -1
	for _, empty := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(p.head[from:], []byte(empty)); i >= 0 && (end < 0 || from+i+len(empty) < end) {
			end = from + i + len(empty)
		}
	}
	switch {
	case end >= 0:
		p.full = true
		_, _ = p.body.Write(p.head[end:]) // never fails
		p.head = p.head[:end]
	case len(p.head) > MaxHeader:
		p.full, p.over = true, true
	}
	return len(b), nil
}

// fields returns the header's fields as "name:value", unfolded.
func (p *imprint) fields() (list []string) {
	for line := range bytes.Lines(p.head) {
		text := strings.TrimRight(string(line), "\r\n")
		if text != "" && (text[0] == ' ' || text[0] == '\t') && len(list) > 0 {
			list[len(list)-1] += text
			continue
		}
		list = append(list, text)
	}
	for i, f := range list {
		name, value, _ := strings.Cut(f, ":")
		list[i] = strings.ToLower(strings.TrimSpace(name)) + ":" + strings.Join(strings.Fields(value), " ")
	}
	return slices.DeleteFunc(list, func(f string) bool { return f == ":" })
}

func (p *imprint) has(name string) bool {
	return slices.ContainsFunc(p.fields(), func(f string) bool { return strings.HasPrefix(f, name+":") })
}

// messageID returns the Message-ID without brackets.
func (p *imprint) messageID() string {
	for _, f := range p.fields() {
		if id, ok := strings.CutPrefix(f, "message-id:"); ok {
			return strings.Trim(id, "<>")
		}
	}
	return ""
}

// twinOf reports whether a mail program's copy is what was submitted, but for Bcc, and for
// From and Date if only the submitted one has them.
func (p *imprint) twinOf(submitted *imprint) bool {
	if p.over || submitted.over || !bytes.Equal(p.body.Sum(nil), submitted.body.Sum(nil)) {
		return false
	}
	own := slices.DeleteFunc(p.fields(), func(f string) bool { return strings.HasPrefix(f, "bcc:") })
	for _, f := range submitted.fields() {
		name, _, _ := strings.Cut(f, ":")
		i := slices.Index(own, f)
		switch {
		case i >= 0:
			own = slices.Delete(own, i, i+1)
		case (name == "from" || name == "date") && !p.has(name):
		default:
			return false
		}
	}
	return len(own) == 0
}

// twin is a message in the folder Sent with a Message-ID.
type twin struct {
	id      moot.BlobID
	uid     uint32
	private bool // a mail program's copy, or all of its recipients got Bcc copies
}

// twins returns the member's own messages in Sent with a Message-ID.
func (a *accountIndex) twins(messageID string) (list []twin, err error) {
	if messageID == "" {
		return nil, nil
	}
	rows, err := a.read.Query(`SELECT m.blob, i.uid, m.kept FROM messages m JOIN items i ON i.message = m.id JOIN folders f ON f.id = i.folder
		WHERE m.account = ? AND m.mid = ? AND m.author = ? AND f.name = ?`, a.id, messageID, a.member[:], SentFolder)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t twin
		var id []byte
		if err := rows.Scan(&id, &t.uid, &t.private); err != nil {
			return nil, err
		}
		t.id = moot.BlobID(id)
		list = append(list, t)
	}
	return list, rows.Err()
}

// imprintOf reads a stored message.
func (acc *Account) imprintOf(ctx context.Context, id moot.BlobID) (*imprint, error) {
	r, err := acc.unseal(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p := newImprint()
	_, err = io.Copy(p, r)
	return p, err
}

// submitted returns what was submitted and filed in Sent before a mail program's copy of
// it; false if nothing was, or in doubt.
func (acc *Account) submitted(ctx context.Context, program *imprint) (twin, bool, error) {
	if err := acc.Sync(ctx); err != nil { // submission may have been a moment ago
		return twin{}, false, err
	}
	list, err := acc.index.twins(program.messageID())
	for _, t := range list {
		if t.private && !program.has("bcc") {
			continue // a copy by a mail program, too
		}
		p, err := acc.imprintOf(ctx, t.id)
		if err == nil && program.twinOf(p) {
			return t, true, nil
		}
	}
	return twin{}, false, err
}

// joinTwins leaves one of a message that was submitted and of the copies that a mail program filed
// before: its own if that says who got Bcc copies, else the one with the receipts.
func (acc *Account) joinTwins(ctx context.Context, id moot.BlobID, submitted *imprint, copies []twin) error {
	if err := acc.Sync(ctx); err != nil {
		return err
	}
	items, err := acc.index.list(ctx, Query{Folder: SentFolder, ID: id, Brief: true})
	if err != nil || len(items) == 0 {
		return err
	}
	for _, t := range copies {
		p, err := acc.imprintOf(ctx, t.id)
		if err != nil || !t.private || !p.twinOf(submitted) {
			continue
		}
		if p.has("bcc") {
			_, err = acc.change(ctx, []Change{{Folder: SentFolder, UID: items[0].UID, Remove: true}})
			return err
		}
		former, err := acc.index.list(ctx, Query{Folder: SentFolder, ID: t.id, Brief: true})
		if err != nil || len(former) == 0 {
			return err
		}
		_, err = acc.change(ctx, []Change{
			{Folder: SentFolder, UID: items[0].UID, Set: former[0].Flags},
			{Folder: SentFolder, UID: t.uid, Remove: true},
		})
		return err
	}
	return nil
}
