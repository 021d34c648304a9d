package mail

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sqlite"
)

// until is the migrations of an earlier version.
type until struct {
	fs.FS
	last string
}

func (u until) ReadDir(name string) (list []fs.DirEntry, err error) {
	all, err := fs.ReadDir(u.FS, name)
	for _, e := range all {
		if e.Name() <= u.last {
			list = append(list, e)
		}
	}
	return list, err
}

// TestIndexOfAnEarlierVersion: its folders have the same sums, its words are found, and
// its messages get their beginnings.
func TestIndexOfAnEarlierVersion(t *testing.T) {
	path, member, blob := filepath.Join(t.TempDir(), "mail.db"), moot.MemberID{1}, moot.BlobID{1}
	earlierIndex(t, path, member)
	index, err := OpenIndex(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	node := plainNode{content: "Subject: lunch\r\n\r\nnoon"}
	acc, err := New(t.Context(), Config{Node: node, Member: member, Key: seal.NewKey(), Index: index, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	folders, err := acc.Folders(t.Context())
	if err != nil || len(folders) != 2 || folders[0].Messages != 2 || folders[0].Unseen != 1 || folders[0].Deleted != 1 || folders[0].Size != 120 || folders[1].Messages != 0 {
		t.Fatalf("%+v, %v", folders, err)
	}
	if found, err := acc.List(t.Context(), Query{Words: "noon", Begin: true}); err != nil || len(found) != 1 || found[0].ID != blob || found[0].Begin != nil {
		t.Errorf("%+v, %v", found, err)
	}
	if ids, rows, err := acc.index.lackBeginnings(t.Context(), -1); err != nil || len(ids) != 2 || rows[1] != 2 {
		t.Errorf("%v, %v", ids, err)
	}
	if last, err := acc.fillBeginnings(t.Context(), -1); err != nil || last != 2 {
		t.Errorf("last %d, %v", last, err)
	}
	if last, err := acc.fillBeginnings(t.Context(), 2); err != nil || last != 0 {
		t.Errorf("last %d, %v", last, err)
	}
	err = index.update(t.Context(), func(tx *sqlite.Tx) error {
		if err := acc.index.setBeginning(tx, 1, []byte("Subject: lunch")); err != nil {
			return err
		}
		if _, err := acc.index.put(tx, 2, nil); err != nil {
			return err
		}
		return acc.index.remove(tx, 2)
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := acc.List(t.Context(), Query{Words: "noon", Begin: true})
	if err != nil || len(found) != 1 || string(found[0].Begin) != "A: b\r\nSubject: lunch" {
		t.Errorf("%+v, %v", found, err)
	}
	if folders, err = acc.Folders(t.Context()); err != nil || folders[0].Messages != 1 || folders[0].Deleted != 0 || folders[0].Size != 100 {
		t.Errorf("%+v, %v", folders, err)
	}
}

// earlierIndex makes the index of version 0.1.0, with two messages of a member; the ID of
// the first is the member's.
func earlierIndex(t *testing.T, path string, member moot.MemberID) {
	t.Helper()
	write, read, err := sqlite.Open(path)
	if err == nil {
		err = sqlite.Migrate(t.Context(), write, until{migrations, "00002_z"})
	}
	if err != nil {
		t.Fatal(err)
	}
	for text, args := range map[string][]any{`INSERT INTO accounts (id, key, validity, modseq, vector) VALUES (1, ?, 5, 9, '{}');
		INSERT INTO folders (id, account, name, next_uid, modseq) VALUES (1, 1, 'INBOX', 4, 3), (2, 1, 'Sent', 1, 2);
		INSERT INTO messages (id, account, blob, entry, author, arrived, size, preface, thread, mid, kept, owed, summary)
			VALUES (1, 1, ?, zeroblob(32), zeroblob(32), 0, 100, 'A: b' || char(13, 10), '', '', 0, 0, '{}'),
			(2, 1, zeroblob(32), zeroblob(32), zeroblob(32), 0, 20, '', '', '', 0, 0, '{}');
		INSERT INTO items (folder, uid, message, flags, modseq) VALUES (1, 2, 1, ' \Flagged \Seen ', 3), (1, 3, 2, ' \Deleted ', 3);
		INSERT INTO texts (rowid, subject, people, attachments, body) VALUES (1, 'lunch', '', '', 'noon');`: {member[:]}} {
		if _, err := write.Exec(text, args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(write.Close(), read.Close()); err != nil {
		t.Fatal(err)
	}
}

// plainNode has no blob that can be opened.
type plainNode struct {
	moot.Node
	content string
}

func (n plainNode) Get(context.Context, moot.BlobID, moot.Range) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(n.content)), nil
}
