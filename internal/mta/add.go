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

// Envelope is the sender and the recipients of a message, whatever its header has.
type Envelope struct {
	From string   // gets bounces; "" for none
	To   []string // one or more
}

func (l QueueLimits) orDefault() QueueLimits {
	l.Message = cmp.Or(l.Message, 64<<20)
	l.Messages = cmp.Or(l.Messages, 10_000)
	l.Recipients = cmp.Or(l.Recipients, 1000)
	return l
}

// Add queues a message. The message is durable when it returns nil. Line ends become
// CRLF; Bcc and Return-Path are removed. Kinds: Invalid for a malformed message or
// address, TooLarge, Full.
func (q *Queue) Add(ctx context.Context, e Envelope, mime io.Reader) error {
	m, err := q.envelope(e)
	if err != nil {
		return moot.Wrap("queue mail", err)
	}
	staging, err := os.CreateTemp(q.folder, "new-*.eml")
	if err != nil {
		return sqlite.Error("queue mail", err)
	}
	defer os.Remove(staging.Name()) // no such file after the rename
	err = q.write(staging, m, mime)
	if err2 := staging.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = q.insert(ctx, m, staging.Name())
	}
	if err != nil {
		return sqlite.Error("queue mail", err)
	}
	select {
	case q.added <- struct{}{}:
	default: // a value is waiting already
	}
	return nil
}

// queued is a message in the queue, or being added.
type queued struct {
	id    int64
	from  string
	added time.Time
	size  int64
	utf8  bool
	head  string
	to    []*recipient
}

// recipient is a recipient without the message.
type recipient struct {
	address, domain string
	attempts        int
	state           int
	response
}

// States of a recipient, as in the database.
const (
	pending = 0
	warned  = 1 // a delay notification was sent
	failed  = 2 // a bounce is due
)

// envelope validates the addresses, and converts their domains to A-labels.
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

// write signs a message into its file, durably.
func (q *Queue) write(f *os.File, m *queued, mime io.Reader) error {
	r := io.LimitReader(&crlfReader{r: bufio.NewReader(mime)}, q.limit.Message+1)
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
	if m.head, m.size, err = copySigned(f, whole, signedFields(h), q.sign); err != nil {
		return err
	}
	if m.size > q.limit.Message {
		return moot.Errorf(moot.TooLarge, "the message has more than %d bytes", q.limit.Message)
	}
	m.size += int64(len(m.head))
	return f.Sync()
}

// insert commits a message to the queue. The file is renamed before the commit;
// removeOrphans removes the file if the commit fails.
func (q *Queue) insert(ctx context.Context, m *queued, staging string) error {
	return q.change(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM messages`).Scan(&n); err != nil {
			return err
		}
		if n >= q.limit.Messages {
			return moot.Errorf(moot.Full, "the queue holds %d messages already", n)
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
		if err := os.Rename(staging, q.path(m.id)); err != nil {
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
	defer tx.Rollback() // no effect after a commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// wireAddress returns an address in SMTP syntax without the brackets, its local part
// quoted if necessary, and its domain. Kind Invalid, also for address literals.
func wireAddress(address string) (wire, domain string, err error) {
	if strings.HasPrefix(address, `"`) { // quoted already
		a, err := mail.ParseAddress("<" + address + ">")
		if err != nil {
			return "", "", moot.Errorf(moot.Invalid, "%.400q is not a mail address: %w", address, err)
		}
		address = a.Address
	}
	domain, err = splitAddress(address)
	if err != nil {
		return "", "", err
	}
	if strings.HasPrefix(domain, "[") {
		return "", "", moot.Errorf(moot.Invalid, "mail to an address literal is not supported: %.400q", address)
	}
	local := address[:strings.LastIndexByte(address, '@')]
	return strings.Trim(angle(local+"@"+domain), "<>"), domain, nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
