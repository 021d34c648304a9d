package mail

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// folders returns all folders, those with a special use first, then by name.
func (a *accountIndex) folders(ctx context.Context) (list []Folder, err error) {
	rows, err := a.read.QueryContext(ctx, `SELECT f.name, c.validity, f.next_uid, f.modseq, f.messages, f.unseen, f.deleted, f.size,
			iif(f.name = 'INBOX', (SELECT count(*) FROM pending p WHERE p.account = f.account), 0)
		FROM folders f JOIN accounts c ON c.id = f.account WHERE f.account = ? ORDER BY f.name`, a.id)
	if err != nil {
		return nil, sqlite.Error("list folders", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f Folder
		if err := rows.Scan(&f.Name, &f.Validity, &f.Next, &f.ModSeq, &f.Messages, &f.Unseen, &f.Deleted, &f.Size, &f.Awaited); err != nil {
			return nil, sqlite.Error("list folders", err)
		}
		if i := special(f.Name); i >= 0 {
			f.Use = specialUses[i].use
		}
		list = append(list, f)
	}
	order := func(f Folder) int {
		if i := special(f.Name); i >= 0 {
			return i
		}
		return len(specialUses)
	}
	slices.SortStableFunc(list, func(a, b Folder) int { return order(a) - order(b) })
	return list, sqlite.Error("list folders", rows.Err())
}

// list implements Mailbox.List.
func (a *accountIndex) list(ctx context.Context, q Query) (list []Item, err error) {
	if q.Folder != "" && q == (Query{Folder: q.Folder, Brief: true}) {
		return a.brief(ctx, q.Folder)
	}
	where, args, err := a.where(q)
	if err == nil && q.indexed() {
		err = a.indexWords(ctx, 0) // nothing that is there may be missed
	}
	if err != nil {
		return nil, err
	}
	fields, from := "m.summary, ", "items i JOIN folders f ON f.id = i.folder JOIN messages m ON m.id = i.message"
	if q.Brief && !q.filters() {
		fields = "NULL, "
	}
	if q.Begin {
		fields += "m.preface, b.data"
		from += " LEFT JOIN beginnings b ON b.message = m.id"
	} else {
		fields += "NULL, NULL"
	}
	order := "f.name, i.uid"
	if q.searches() {
		order = "m.arrived, m.id"
	}
	if q.Limit > 0 { // the newest
		order = "m.arrived DESC, m.id DESC"
	}
	if q.Limit > 0 && !q.filters() {
		order += " LIMIT ?"
		args = append(args, q.Limit)
	}
	rows, err := a.read.QueryContext(ctx, `SELECT f.name, i.uid, i.modseq, i.flags, m.blob, m.author, m.size, m.arrived, `+fields+`
		FROM `+from+` WHERE `+where+` ORDER BY `+order, args...)
	if err != nil {
		return nil, sqlite.Error("list messages", err)
	}
	defer rows.Close()
	for rows.Next() {
		it, err := scanItem(rows)
		if err != nil {
			return nil, sqlite.Error("list messages", err)
		}
		if q.matches(it.Summary) {
			list = append(list, it)
		}
		if q.Limit > 0 && len(list) == q.Limit {
			break
		}
	}
	if q.Limit > 0 {
		slices.Reverse(list)
	}
	return list, sqlite.Error("list messages", rows.Err())
}

func scanItem(rows *sql.Rows) (it Item, err error) {
	var id, author, summary, preface, begin []byte
	var flags string
	var arrived, size int64
	if err := rows.Scan(&it.Folder, &it.UID, &it.ModSeq, &flags, &id, &author, &size, &arrived, &summary, &preface, &begin); err != nil {
		return it, err
	}
	if summary != nil {
		err = json.Unmarshal(summary, &it.Summary)
	}
	it.ID, it.Author, it.Size, it.Arrived = moot.BlobID(id), moot.MemberID(author), size, time.UnixMilli(arrived)
	it.Flags = splitFlags(flags)
	if begin != nil {
		it.Begin = append(preface, begin...)
	}
	return it, err
}

// where returns a query as SQL over items i, folders f and messages m.
func (a *accountIndex) where(q Query) (string, []any, error) {
	terms, args := []string{"f.account = ?"}, []any{a.id}
	add := func(term string, arg ...any) { terms, args = append(terms, term), append(args, arg...) }
	if q.Folder != "" {
		add("f.name = ?", q.Folder)
	}
	if q.ID != (moot.BlobID{}) {
		add("m.blob = ?", q.ID[:])
	}
	if q.Prefix != "" {
		if strings.Trim(strings.ToLower(q.Prefix), "0123456789abcdef") != "" {
			return "", nil, moot.WithHint(moot.Errorf(moot.Invalid, "%.70q is not a message ID: want hexadecimal digits", q.Prefix), moot.HintListMessages)
		}
		add("substr(lower(hex(m.blob)), 1, ?) = ?", len(q.Prefix), strings.ToLower(q.Prefix))
	}
	if q.Thread != "" {
		add("m.thread = ?", q.Thread)
	}
	if q.First > 0 || q.Last > 0 {
		add("i.uid BETWEEN ? AND ?", q.First, cmp.Or(q.Last, math.MaxUint32))
	}
	if q.Since > 0 {
		add("i.modseq > ?", q.Since)
	}
	if q.Unseen {
		add(`i.flags NOT LIKE '% \Seen %'`)
	}
	if !q.After.IsZero() {
		add("m.arrived >= ?", q.After.UnixMilli())
	}
	if !q.Before.IsZero() {
		add("m.arrived < ?", q.Before.UnixMilli())
	}
	words, err := q.expression()
	if words != "" {
		add("m.id IN (SELECT rowid FROM texts WHERE texts MATCH ?)", words)
	}
	return strings.Join(terms, " AND "), args, err
}

// stored is a message's row as far as Open and Change need it.
type stored struct {
	row            int64
	preface        string
	entry          moot.EntryID
	author         moot.MemberID
	private        bool
	unacknowledged bool // no delivery receipt was sent yet
}

// find returns a stored message. Kind NotFound.
func (a *accountIndex) find(q querier, id moot.BlobID) (m stored, err error) {
	var entry, author []byte
	err = q.QueryRow(`SELECT id, preface, entry, author, kept, owed FROM messages WHERE account = ? AND blob = ?`, a.id, id[:]).Scan(&m.row, &m.preface, &entry, &author, &m.private, &m.unacknowledged)
	if errors.Is(err, sql.ErrNoRows) {
		return m, moot.WithHint(moot.Errorf(moot.NotFound, "there is no message %s", hex.EncodeToString(id[:8])), moot.HintListMessages)
	}
	if err == nil {
		m.entry, m.author = moot.EntryID(entry), moot.MemberID(author)
	}
	return m, err
}

// locations returns a message's folders and flags.
func (a *accountIndex) locations(q querier, row int64) (list []location, err error) {
	rows, err := q.Query(`SELECT f.name, i.flags FROM items i JOIN folders f ON f.id = i.folder WHERE i.message = ? ORDER BY f.name`, row)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p location
		var flags string
		if err := rows.Scan(&p.Folder, &flags); err != nil {
			return nil, err
		}
		p.Flags = splitFlags(flags)
		list = append(list, p)
	}
	return list, rows.Err()
}

// item returns the message with a UID in a folder; false if there is none.
func (a *accountIndex) item(q querier, folder string, uid uint32) (id moot.BlobID, ok bool, err error) {
	var b []byte
	err = q.QueryRow(`SELECT m.blob FROM items i JOIN folders f ON f.id = i.folder JOIN messages m ON m.id = i.message
		WHERE f.account = ? AND f.name = ? AND i.uid = ?`, a.id, folder, uid).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return id, false, nil
	}
	if err != nil {
		return id, false, err
	}
	return moot.BlobID(b), true, nil
}

// unacknowledged returns the messages whose authors lack a delivery receipt.
func (a *accountIndex) unacknowledged(ctx context.Context) (ids []moot.BlobID, err error) {
	rows, err := a.read.QueryContext(ctx, `SELECT blob FROM messages WHERE account = ? AND owed = 1`, a.id)
	if err != nil {
		return nil, sqlite.Error("index of messages", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, sqlite.Error("index of messages", err)
		}
		ids = append(ids, moot.BlobID(b))
	}
	return ids, sqlite.Error("index of messages", rows.Err())
}

func (a *accountIndex) acknowledged(tx *sqlite.Tx, ids []moot.BlobID) error {
	for _, id := range ids {
		if _, err := tx.Exec(`UPDATE messages SET owed = 0 WHERE account = ? AND blob = ?`, a.id, id[:]); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a message with no items left.
func (a *accountIndex) remove(tx *sqlite.Tx, row int64) error {
	for _, stmt := range []string{
		`DELETE FROM items WHERE message = ?`, `DELETE FROM texts WHERE rowid = ?`, `DELETE FROM unindexed WHERE message = ?`,
		`DELETE FROM beginnings WHERE message = ?`, `DELETE FROM messages WHERE id = ?`,
	} {
		if _, err := tx.Exec(stmt, row); err != nil {
			return err
		}
	}
	return nil
}

// dropFolder removes an empty folder.
func (a *accountIndex) dropFolder(tx *sqlite.Tx, name string) error {
	_, err := tx.Exec(`DELETE FROM folders WHERE account = ? AND name = ? AND NOT EXISTS (SELECT 1 FROM items WHERE items.folder = folders.id)`, a.id, name)
	return err
}
