package mail

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Index has the headers, first lines and words of the messages of a node's members in
// the clear, so that lists and searches open no blob. All of it but UIDs can be rebuilt
// from entries and blobs.
type Index struct {
	write  *sql.DB
	read   *sqlite.Statements
	writer *sqlite.Writer
	briefs *briefs

	mu       sync.Mutex
	accounts map[moot.MemberID]*accountIndex
}

// OpenIndex opens the index in a file and creates it if it does not exist; with path
// empty, in memory.
func OpenIndex(ctx context.Context, path string) (x *Index, err error) {
	x = &Index{accounts: map[moot.MemberID]*accountIndex{}, briefs: newBriefs()}
	var read *sql.DB
	if path == "" {
		x.write, err = sqlite.OpenMemory()
		read = x.write
	} else {
		x.write, read, err = sqlite.Open(path)
	}
	if err != nil {
		return x, sqlite.Error("open the index of messages", err)
	}
	x.read, x.writer = sqlite.NewStatements(read), sqlite.NewWriter(x.write)
	if err = sqlite.Migrate(ctx, x.write, migrations); err != nil {
		err = errors.Join(err, x.Close())
	}
	return x, sqlite.Error("open the index of messages", err)
}

// Close closes the index.
func (x *Index) Close() error { return errors.Join(x.write.Close(), x.read.Close()) }

// accountIndex is one member's part of the index, shared by the member's accounts over
// all architectures and on all of the member's devices on this machine.
type accountIndex struct {
	*Index
	id       int64
	member   moot.MemberID
	syncing  sync.Mutex // one Sync at a time
	last     *cursor    // as stored; guarded by syncing
	changing sync.Mutex // one Change or acknowledge at a time
	changes  atomic.Int64
	watchers watchers

	devicesMu sync.Mutex
	devices   map[moot.Key]sign.Writer
}

// addDevice takes note of a device of the member that shares the index.
func (a *accountIndex) addDevice(device moot.Key, write sign.Writer) {
	a.devicesMu.Lock()
	defer a.devicesMu.Unlock()
	a.devices[device] = write
}

func (a *accountIndex) writers() map[moot.Key]sign.Writer {
	a.devicesMu.Lock()
	defer a.devicesMu.Unlock()
	return maps.Clone(a.devices)
}

// specialUses are the folders that every mailbox has, with their special-use attributes
// (RFC 6154).
var specialUses = []struct{ name, use string }{
	{Inbox, ""}, {DraftsFolder, `\Drafts`}, {SentFolder, `\Sent`}, {ArchiveFolder, `\Archive`}, {JunkFolder, `\Junk`}, {TrashFolder, `\Trash`},
}

// special returns the index of a folder in specialUses, or -1.
func special(name string) int {
	for i, f := range specialUses {
		if f.name == name {
			return i
		}
	}
	return -1
}

// forMember returns the member's part, with the folders that every mailbox has.
func (x *Index) forMember(ctx context.Context, member moot.MemberID, now time.Time) (*accountIndex, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if a := x.accounts[member]; a != nil {
		return a, nil
	}
	a := &accountIndex{Index: x, member: member, devices: map[moot.Key]sign.Writer{}}
	if err := x.update(ctx, func(tx *sqlite.Tx) error { return a.open(tx, now) }); err != nil {
		return nil, err
	}
	x.accounts[member] = a
	return a, nil
}

func (a *accountIndex) open(tx *sqlite.Tx, now time.Time) error {
	err := tx.QueryRow(`SELECT id FROM accounts WHERE key = ?`, a.member[:]).Scan(&a.id)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	r, err := tx.Exec(`INSERT INTO accounts (key, validity, modseq, vector) VALUES (?, ?, 1, '{}')`, a.member[:], uint32(now.Unix()))
	if err == nil {
		a.id, err = r.LastInsertId()
	}
	for _, f := range specialUses {
		if err == nil {
			_, err = a.folder(tx, f.name)
		}
	}
	return err
}

// Removed reports whether a member has removed a message.
func (x *Index) Removed(ctx context.Context, member moot.MemberID, id moot.BlobID) (removed bool, err error) {
	err = x.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM notes n JOIN accounts a ON a.id = n.account
		WHERE a.key = ? AND n.blob = ? AND n.places = '[]')`, member[:], id[:]).Scan(&removed)
	return removed, sqlite.Error("index of messages", err)
}

// Used returns the bytes of a member's messages; 0 for an unknown member.
func (x *Index) Used(ctx context.Context, member moot.MemberID) (bytes int64, err error) {
	err = x.read.QueryRowContext(ctx, `SELECT coalesce(sum(used), 0) FROM accounts WHERE key = ?`, member[:]).Scan(&bytes)
	return bytes, sqlite.Error("index of messages", err)
}

// update runs a transaction, perhaps together with others; do may be called again.
func (x *Index) update(ctx context.Context, do func(*sqlite.Tx) error) error {
	return sqlite.Error("index of messages", x.writer.Do(ctx, do))
}

// folder returns the folder's row, and creates it if it does not exist.
func (a *accountIndex) folder(tx *sqlite.Tx, name string) (id int64, err error) {
	err = tx.QueryRow(`SELECT id FROM folders WHERE account = ? AND name = ?`, a.id, name).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	modseq, err := a.nextModSeq(tx)
	if err != nil {
		return 0, err
	}
	// modseq as the first UID: a folder that is created again must not reuse UIDs.
	r, err := tx.Exec(`INSERT INTO folders (account, name, next_uid, modseq) VALUES (?, ?, ?, ?)`, a.id, name, modseq, modseq)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func (a *accountIndex) nextModSeq(tx *sqlite.Tx) (n int64, err error) {
	err = tx.QueryRow(`UPDATE accounts SET modseq = modseq + 1 WHERE id = ? RETURNING modseq`, a.id).Scan(&n)
	return n, err
}

// otherDevice reports whether a device of the member other than one shares the index, so
// that it owes a receipt for what that one announced.
func (a *accountIndex) otherDevice(than moot.Key) bool {
	a.devicesMu.Lock()
	defer a.devicesMu.Unlock()
	for k := range a.devices {
		if k != than {
			return true
		}
	}
	return false
}

// cursor returns what was read. The caller holds syncing.
func (a *accountIndex) cursor() (c cursor, err error) {
	if a.last != nil {
		return *a.last, nil
	}
	var text []byte
	err = a.read.QueryRow(`SELECT vector FROM accounts WHERE id = ?`, a.id).Scan(&text)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil {
		a.last = &c
	}
	return c, sqlite.Error("index of messages", err)
}

func (a *accountIndex) setCursor(tx *sqlite.Tx, c cursor) error {
	text, err := json.Marshal(c)
	if err == nil {
		_, err = tx.Exec(`UPDATE accounts SET vector = ? WHERE id = ?`, text, a.id)
	}
	return err
}

// elsewhere is added to pending.named for envelope.Elsewhere.
const elsewhere = 4

// addPending records a message to fetch, unless it is stored already.
func (a *accountIndex) addPending(tx *sqlite.Tx, env envelope) error {
	named := min(len(env.To), 1)
	if slices.Contains(env.To, a.member) {
		named = 2
	}
	if env.Elsewhere {
		named |= elsewhere
	}
	_, err := tx.Exec(`INSERT OR IGNORE INTO pending (account, blob, entry, author, time, kept, named)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM messages WHERE account = ?1 AND blob = ?2)`,
		a.id, env.ID[:], env.Entry[:], env.Author[:], env.Time.UnixMilli(), env.Private, named)
	return err
}

// pending returns the messages to fetch, oldest first.
func (a *accountIndex) pending() (list []envelope, err error) {
	rows, err := a.read.Query(`SELECT blob, entry, author, time, kept, named FROM pending WHERE account = ? ORDER BY time`, a.id)
	if err != nil {
		return nil, sqlite.Error("index of messages", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, entry, author []byte
		var ms int64
		var env envelope
		var named int
		if err := rows.Scan(&id, &entry, &author, &ms, &env.Private, &named); err != nil {
			return nil, sqlite.Error("index of messages", err)
		}
		env.ID, env.Entry, env.Author, env.Time = moot.BlobID(id), moot.EntryID(entry), moot.MemberID(author), time.UnixMilli(ms)
		env.Elsewhere = named&elsewhere != 0
		switch named &^ elsewhere {
		case 1:
			env.To = []moot.MemberID{{}} // another member: which one is not stored
		case 2:
			env.To = []moot.MemberID{a.member}
		}
		list = append(list, env)
	}
	return list, sqlite.Error("index of messages", rows.Err())
}

func (a *accountIndex) removePending(tx *sqlite.Tx, id moot.BlobID) error {
	_, err := tx.Exec(`DELETE FROM pending WHERE account = ? AND blob = ?`, a.id, id[:])
	return err
}

// setFiling records what a message's filings amount to, applies it to the message if that
// is stored, and returns the folders changed.
func (a *accountIndex) setFiling(tx *sqlite.Tx, f filed) ([]string, error) {
	text, err := json.Marshal(append([]location{}, f.Locations...))
	if err != nil {
		return nil, err
	}
	var ids []byte
	for _, id := range f.heads {
		ids = append(ids, id[:]...)
	}
	_, err = tx.Exec(`INSERT INTO notes (account, blob, entry, time, at, places) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, blob) DO UPDATE SET entry = excluded.entry, time = excluded.time, at = excluded.at, places = excluded.places`,
		a.id, f.id[:], ids, int64(f.time), f.At, text)
	if err != nil {
		return nil, err
	}
	if len(f.Locations) == 0 {
		if err := a.removePending(tx, f.id); err != nil {
			return nil, err
		}
	}
	var message int64
	err = tx.QueryRow(`SELECT id FROM messages WHERE account = ? AND blob = ?`, a.id, f.id[:]).Scan(&message)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	moved, err := a.setArrived(tx, message, f.At)
	if err != nil {
		return nil, err
	}
	changed, err := a.put(tx, message, f.Locations)
	for _, l := range f.Locations {
		if moved {
			changed = append(changed, l.Folder)
		}
	}
	if err == nil && len(f.Locations) == 0 {
		err = a.remove(tx, message)
	}
	return changed, err
}

// knows reports whether a message is stored, or is to be fetched.
func (a *accountIndex) knows(id moot.BlobID) (known bool, err error) {
	err = a.read.QueryRow(`SELECT EXISTS (SELECT 1 FROM messages WHERE account = ?1 AND blob = ?2)
		OR EXISTS (SELECT 1 FROM pending WHERE account = ?1 AND blob = ?2)`, a.id, id[:]).Scan(&known)
	return known, sqlite.Error("index of messages", err)
}

// filing returns what a message's filings amount to; false if there is none.
func (a *accountIndex) filing(q querier, id moot.BlobID) (n filing, ok bool, err error) {
	heads, n, err := a.heads(q, id)
	return n, len(heads) > 0, err
}

// heads returns the member's filings of a message that no other one replaces, and what
// they amount to.
func (a *accountIndex) heads(q querier, id moot.BlobID) (heads []moot.EntryID, n filing, err error) {
	var text, ids []byte
	err = q.QueryRow(`SELECT entry, at, places FROM notes WHERE account = ? AND blob = ?`, a.id, id[:]).Scan(&ids, &n.At, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, n, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &n.Locations)
	}
	for one := range slices.Chunk(ids, len(moot.EntryID{})) {
		if len(one) == len(moot.EntryID{}) {
			heads = append(heads, moot.EntryID(one))
		}
	}
	return heads, n, err
}

type querier interface {
	QueryRow(query string, args ...any) *sql.Row
	Query(query string, args ...any) (*sql.Rows, error)
}
