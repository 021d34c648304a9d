package mail

import (
	"bytes"
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// MaxBegin bounds in bytes what is in the index of a message as it came. Most messages
// are smaller.
const MaxBegin = 16 << 10

// beginning records the first bytes that are read.
type beginning struct {
	r    io.Reader
	data []byte
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.data = append(b.data, p[:min(n, MaxBegin-len(b.data))]...)
	return n, err
}

func (a *accountIndex) setBeginning(tx *sqlite.Tx, message int64, data []byte) error {
	_, err := tx.Exec(`INSERT OR IGNORE INTO beginnings (message, data) SELECT id, ? FROM messages WHERE id = ?`, append([]byte{}, data...), message)
	return err
}

// wordsAtOnce is how many messages one transaction adds to the words.
const wordsAtOnce = 256

// indexWords adds to the words the messages that are not among them, at most most; 0 for
// all. Many at a time cost far less than each by itself.
func (x *Index) indexWords(ctx context.Context, most int) error {
	for done := 0; most == 0 || done < most; done += wordsAtOnce {
		var missing bool
		if err := x.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM unindexed)`).Scan(&missing); err != nil || !missing {
			return sqlite.Error("index of messages", err)
		}
		err := x.update(ctx, func(tx *sqlite.Tx) error {
			_, err := tx.Exec(`INSERT INTO texts (rowid, subject, people, attachments, body)
				SELECT message, subject, people, attachments, body FROM unindexed ORDER BY message LIMIT ?`, wordsAtOnce)
			if err == nil {
				_, err = tx.Exec(`DELETE FROM unindexed WHERE message IN (SELECT message FROM unindexed ORDER BY message LIMIT ?)`, wordsAtOnce)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fillAtOnce is how many messages of earlier versions one pass gives their beginnings.
const fillAtOnce = 64

// fillBeginnings stores the beginnings of messages that an earlier version has indexed,
// those after a row, and returns the last row; 0 if there are no more.
func (acc *Account) fillBeginnings(ctx context.Context, after int64) (last int64, err error) {
	ids, rows, err := acc.index.lackBeginnings(ctx, after)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	data := make([][]byte, len(ids))
	for i, id := range ids {
		if data[i], err = acc.readBeginning(ctx, id); err != nil {
			acc.cfg.Log.Debug("message unavailable for its beginning", "message", id, "error", err)
		}
	}
	return rows[len(rows)-1], acc.index.update(ctx, func(tx *sqlite.Tx) error {
		for i, row := range rows {
			if data[i] == nil {
				continue
			}
			if err := acc.index.setBeginning(tx, row, data[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// readBeginning returns the first bytes of a message.
func (acc *Account) readBeginning(ctx context.Context, id moot.BlobID) ([]byte, error) {
	r, err := acc.unseal(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	_, err = io.CopyN(&b, r, MaxBegin)
	if err == io.EOF {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{}, b.Bytes()...), nil
}

func (a *accountIndex) lackBeginnings(ctx context.Context, after int64) (ids []moot.BlobID, list []int64, err error) {
	rows, err := a.read.QueryContext(ctx, `SELECT m.id, m.blob FROM messages m WHERE m.account = ? AND m.id > ?
		AND NOT EXISTS (SELECT 1 FROM beginnings b WHERE b.message = m.id) ORDER BY m.id LIMIT ?`, a.id, after, fillAtOnce)
	if err != nil {
		return nil, nil, sqlite.Error("index of messages", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row int64
		var id []byte
		if err := rows.Scan(&row, &id); err != nil {
			return nil, nil, sqlite.Error("index of messages", err)
		}
		ids, list = append(ids, moot.BlobID(id)), append(list, row)
	}
	return ids, list, sqlite.Error("index of messages", rows.Err())
}
