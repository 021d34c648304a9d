package mail

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot/internal/sqlite"
)

// insert stores a message at the locations of its filing, else at those given.
func (a *accountIndex) insert(tx *sqlite.Tx, m *arrival, acknowledge bool) ([]string, error) {
	env, d, locations := m.envelope, m.digest, m.locations
	if err := a.removePending(tx, env.ID); err != nil {
		return nil, err
	}
	filed, ok, err := a.filing(tx, env.ID)
	if err != nil {
		return nil, err
	}
	if ok {
		locations = filed.Locations
		if filed.At != 0 {
			d.Arrived = time.UnixMilli(filed.At)
		}
	}
	summary, err := json.Marshal(d.Summary)
	if err != nil {
		return nil, err
	}
	r, err := tx.Exec(`INSERT OR IGNORE INTO messages (account, blob, entry, author, arrived, size, preface, thread, mid, kept, owed, summary)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.id, env.ID[:], env.Entry[:], env.Author[:], d.Arrived.UnixMilli(), d.Size, m.preface, d.Thread, d.MessageID, env.Private, acknowledge, summary)
	if err != nil {
		return nil, err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return nil, err // stored already
	}
	message, err := r.LastInsertId()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, at := range d.Attachments {
		names = append(names, at.Name)
	}
	_, err = tx.Exec(`INSERT INTO unindexed (message, subject, people, attachments, body) VALUES (?, ?, ?, ?, ?)`, message,
		d.Subject+" "+d.Channel, d.From+" "+strings.Join(d.To, " "), strings.Join(names, " "), d.words)
	if err == nil {
		err = a.setBeginning(tx, message, m.begin)
	}
	if err != nil {
		return nil, err
	}
	return a.put(tx, message, locations)
}

// put makes locations the message's items, and returns the folders changed, for touch.
func (a *accountIndex) put(tx *sqlite.Tx, message int64, locations []location) (changed []string, err error) {
	type item struct {
		folder, uid int64
		flags       string
	}
	have := map[string]item{}
	rows, err := tx.Query(`SELECT f.name, f.id, i.uid, i.flags FROM items i JOIN folders f ON f.id = i.folder WHERE i.message = ?`, message)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var it item
		if err := rows.Scan(&name, &it.folder, &it.uid, &it.flags); err != nil {
			return nil, err
		}
		have[name] = it
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	for _, p := range locations {
		it, ok := have[p.Folder]
		delete(have, p.Folder)
		flags := joinFlags(p.Flags)
		if ok && it.flags == flags {
			continue
		}
		if ok {
			_, err = tx.Exec(`UPDATE items SET flags = ?, modseq = 0 WHERE folder = ? AND uid = ?`, flags, it.folder, it.uid)
		} else if it.folder, err = a.folder(tx, p.Folder); err == nil {
			_, err = tx.Exec(`INSERT INTO items (folder, uid, message, flags, modseq)
				SELECT id, next_uid, ?, ?, 0 FROM folders WHERE id = ?`, message, flags, it.folder)
			if err == nil {
				_, err = tx.Exec(`UPDATE folders SET next_uid = next_uid + 1 WHERE id = ?`, it.folder)
			}
		}
		if err != nil {
			return nil, err
		}
		changed = append(changed, p.Folder)
	}
	for name, it := range have {
		if _, err := tx.Exec(`DELETE FROM items WHERE folder = ? AND uid = ?`, it.folder, it.uid); err != nil {
			return nil, err
		}
		changed = append(changed, name)
	}
	return changed, nil
}

// touch gives folders, and their items that were changed (modseq 0), the next modseq.
func (a *accountIndex) touch(tx *sqlite.Tx, folders []string) error {
	if len(folders) == 0 {
		return nil
	}
	modseq, err := a.nextModSeq(tx)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(folders))) {
		if err == nil {
			_, err = tx.Exec(`UPDATE folders SET modseq = ? WHERE account = ? AND name = ?`, modseq, a.id, name)
		}
		if err == nil {
			_, err = tx.Exec(`UPDATE items SET modseq = ? WHERE modseq = 0
				AND folder = (SELECT id FROM folders WHERE account = ? AND name = ?)`, modseq, a.id, name)
		}
	}
	return err
}

// setArrived changes when a message came, Unix ms, unless at is 0. That is a change of its
// items.
func (a *accountIndex) setArrived(tx *sqlite.Tx, message, at int64) (changed bool, err error) {
	if at == 0 {
		return false, nil
	}
	r, err := tx.Exec(`UPDATE messages SET arrived = ? WHERE id = ? AND arrived <> ?`, at, message, at)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	if err == nil && n > 0 {
		_, err = tx.Exec(`UPDATE items SET modseq = 0 WHERE message = ?`, message)
	}
	return n > 0, err
}

// joinFlags encodes a set of flags for the index.
func joinFlags(flags []Flag) string {
	sorted := slices.Clone(flags)
	slices.SortFunc(sorted, func(a, b Flag) int { return cmp.Compare(a, b) })
	var b strings.Builder
	for _, f := range slices.Compact(sorted) {
		b.WriteString(" " + string(f))
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	return b.String()
}

func splitFlags(s string) []Flag {
	flags := []Flag{}
	for f := range strings.FieldsSeq(s) {
		flags = append(flags, Flag(f))
	}
	return flags
}
