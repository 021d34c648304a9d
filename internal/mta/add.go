package mta

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-message/textproto"

	"github.com/mootspace/moot/internal/sqlite"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// Envelope says from whom and to whom a message goes, whatever its header says.
type Envelope struct {
	From string   // who is told if it cannot be delivered; "" for nobody
	To   []string // one or more
}

func (l QueueLimits) orDefault() QueueLimits {
	l.Message = cmp.Or(l.Message, 64<<20)
	l.Messages = cmp.Or(l.Messages, 10_000)
	l.Recipients = cmp.Or(l.Recipients, 1000)
	return l
}

// Add puts a message into the queue. When it returns without an error the message
// survives a power failure. Line ends become CRLF, Bcc and Return-Path are removed.
// Kinds: Invalid for a message or address that makes no sense, TooLarge, Full.
func (q *Queue) Add(ctx context.Context, e Envelope, mime io.Reader) error {
	m, err := q.envelope(e)
	if err != nil {
		return moot.Wrap("queue mail", err)
	}
	draft, err := os.CreateTemp(q.folder, "new-*.eml")
	if err != nil {
		return sqlite.Error("queue mail", err)
	}
	defer os.Remove(draft.Name()) // after the renaming there is nothing of that name
	err = q.write(draft, m, mime)
	if err2 := draft.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = q.insert(ctx, m, draft.Name())
	}
	if err != nil {
		return sqlite.Error("queue mail", err)
	}
	select {
	case q.news <- struct{}{}:
	default: // there is news already
	}
	return nil
}

// queued is a message in the queue, or on its way into it.
type queued struct {
	id    int64
	from  string
	added time.Time
	size  int64
	utf8  bool
	head  string
	to    []*recipient
}

// recipient is who has not got a message yet.
type recipient struct {
	address, domain string
	tries           int
	state           int
	answer
}

// States of a recipient, as in the database.
const (
	waits  = 0
	warned = 1 // the sender has been told of the delay
	failed = 2 // and the sender is to be told
)

// envelope checks the addresses, and writes their domains as the DNS does.
func (q *Queue) envelope(e Envelope) (*queued, error) {
	if len(e.To) == 0 || len(e.To) > q.limit.Recipients {
		return nil, moot.Errorf(moot.Invalid, "%d recipients; there may be 1 to %d", len(e.To), q.limit.Recipients)
	}
	m := &queued{from: e.From, added: time.Now()}
	if e.From != "" {
		from, _, err := wireAddress(e.From)
		if err != nil {
			return nil, err
		}
		m.from, m.utf8 = from, !isASCII(from)
	}
	seen := map[string]bool{}
	for _, to := range e.To {
		address, domain, err := wireAddress(to)
		if err != nil {
			return nil, err
		}
		if !seen[address] {
			m.to = append(m.to, &recipient{address: address, domain: domain})
		}
		seen[address] = true
		m.utf8 = m.utf8 || !isASCII(address)
	}
	return m, nil
}

// write writes the message to its file, durably, and signs it.
func (q *Queue) write(f *os.File, m *queued, mime io.Reader) error {
	r := io.LimitReader(&lineEnds{r: bufio.NewReader(mime)}, q.limit.Message+1)
	start := make([]byte, chunk)
	n, err := io.ReadFull(r, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	h, at, err := parseHeader(start[:n])
	if err != nil {
		return err
	}
	if !h.Has("From") {
		return moot.Errorf(moot.Invalid, "the message has no From")
	}
	for _, private := range []string{"Bcc", "Resent-Bcc", "Return-Path"} {
		h.Del(private)
	}
	var head bytes.Buffer
	if err := textproto.WriteHeader(&head, h); err != nil {
		return moot.Errorf(moot.Invalid, "header: %w", err)
	}
	m.utf8 = m.utf8 || !isASCII(head.String())
	whole := io.MultiReader(&head, bytes.NewReader(start[at:n]), r)
	if m.head, m.size, err = signAll(f, whole, q.sign); err != nil {
		return err
	}
	if m.size > q.limit.Message {
		return moot.Errorf(moot.TooLarge, "the message has more than %d bytes", q.limit.Message)
	}
	m.size += int64(len(m.head))
	return f.Sync()
}

// insert makes the message part of the queue. Its file gets its name before the
// database tells of it; tidy removes the file if the database never does.
func (q *Queue) insert(ctx context.Context, m *queued, draft string) error {
	return q.change(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM messages`).Scan(&n); err != nil {
			return err
		}
		if n >= q.limit.Messages {
			return moot.Errorf(moot.Full, "%d messages wait already", n)
		}
		res, err := tx.Exec(`INSERT INTO messages (sender, added, size, utf8, head) VALUES (?, ?, ?, ?, ?)`,
			m.from, m.added.UnixMilli(), m.size, m.utf8, m.head)
		if err != nil {
			return err
		}
		if m.id, err = res.LastInsertId(); err != nil {
			return err
		}
		for _, r := range m.to {
			if _, err := tx.Exec(`INSERT INTO recipients (message, address, domain, next) VALUES (?, ?, ?, ?)`,
				m.id, r.address, r.domain, m.added.UnixMilli()); err != nil {
				return err
			}
		}
		if err := os.Rename(draft, q.path(m.id)); err != nil {
			return err
		}
		return durable.SyncFolder(filepath.Clean(q.folder))
	})
}

// change runs f in a transaction.
func (q *Queue) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing, after a commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// wireAddress returns an address as it is written in SMTP without the brackets, its
// local part quoted if need be, and its domain. Kind Invalid, also for [literals].
func wireAddress(address string) (wire, domain string, err error) {
	if strings.HasPrefix(address, `"`) { // it is quoted already
		a, err := mail.ParseAddress("<" + address + ">")
		if err != nil {
			return "", "", moot.Errorf(moot.Invalid, "%.400q is no mail address: %w", address, err)
		}
		address = a.Address
	}
	domain, err = splitAddress(address)
	if err != nil {
		return "", "", err
	}
	if strings.HasPrefix(domain, "[") {
		return "", "", moot.Errorf(moot.Invalid, "mail is not sent to the address of a host: %.400q", address)
	}
	local := address[:strings.LastIndexByte(address, '@')]
	return strings.Trim(angle(local+"@"+domain), "<>"), domain, nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
