package mail

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// Limits of the folders in memory. An item takes about 400 bytes.
const (
	maxBriefItems   = 100_000
	maxBriefFolders = 1024
)

// briefs are the folders that were listed last, so that the next list reads only what has
// changed since.
type briefs struct {
	mu      sync.Mutex
	folders *simplelru.LRU[briefKey, *brief]
	items   int // in all folders
}

type briefKey struct {
	account int64
	folder  string
}

// brief is a folder as of a ModSeq.
type brief struct {
	counted int // items, as far as briefs has counted them

	mu     sync.Mutex
	id     int64 // of the folder's row; 0: nothing was read
	modseq uint64
	items  []Item // by UID
}

func newBriefs() *briefs {
	b := &briefs{}
	b.folders, _ = simplelru.NewLRU(maxBriefFolders, func(_ briefKey, f *brief) { b.items -= f.counted }) // fails for no size only
	return b
}

func (b *briefs) of(key briefKey) *brief {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.folders.Get(key)
	if !ok {
		f = &brief{}
		b.folders.Add(key, f)
	}
	return f
}

// count takes note of how many items a folder has, and drops the folders that were not
// listed for the longest time if there are too many.
func (b *briefs) count(key briefKey, f *brief, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now, ok := b.folders.Peek(key); !ok || now != f {
		return
	}
	b.items += n - f.counted
	f.counted = n
	if n > maxBriefItems {
		b.folders.Remove(key)
	}
	for b.items > maxBriefItems {
		b.folders.RemoveOldest()
	}
}

// brief returns all items of a folder, as List with Query.Brief.
func (a *accountIndex) brief(ctx context.Context, folder string) ([]Item, error) {
	key := briefKey{a.id, folder}
	f := a.briefs.of(key)
	f.mu.Lock()
	defer f.mu.Unlock()
	complete, err := a.refresh(ctx, f, folder)
	if err == nil && !complete { // messages were removed, or the folder is another one
		f.id, f.modseq, f.items = 0, 0, nil
		_, err = a.refresh(ctx, f, folder)
	}
	if err != nil {
		return nil, sqlite.Error("list messages", err)
	}
	a.briefs.count(key, f, len(f.items))
	return slices.Clone(f.items), nil
}

const (
	briefFields = `SELECT f.id, f.modseq, f.messages, coalesce(i.uid, 0), coalesce(i.modseq, 0), coalesce(i.flags, ''),
		m.blob, m.author, coalesce(m.size, 0), coalesce(m.arrived, 0) FROM folders f LEFT JOIN items i ON i.folder = f.id `
	briefWhere = ` LEFT JOIN messages m ON m.id = i.message WHERE f.account = ? AND f.name = ? ORDER BY i.uid`

	briefAll     = briefFields + briefWhere
	briefChanged = briefFields + `AND i.modseq > ?` + briefWhere
)

// refresh adds to a folder what has changed. complete: no message was removed, nor the
// folder. One statement reads one state of the database.
func (a *accountIndex) refresh(ctx context.Context, f *brief, folder string) (complete bool, err error) {
	defer func() {
		if err != nil {
			f.id, f.modseq, f.items = 0, 0, nil
		}
	}()
	query, args := briefAll, []any{a.id, folder}
	if f.id != 0 {
		query, args = briefChanged, []any{f.modseq, a.id, folder}
	}
	rows, err := a.read.QueryContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var id int64
	var modseq uint64
	var messages int
	for rows.Next() {
		var blob, author []byte
		var flags string
		var arrived int64
		it := Item{Folder: folder}
		if err := rows.Scan(&id, &modseq, &messages, &it.UID, &it.ModSeq, &flags, &blob, &author, &it.Size, &arrived); err != nil {
			return false, err
		}
		if it.UID == 0 { // nothing has changed
			continue
		}
		it.ID, it.Author, it.Arrived, it.Flags = moot.BlobID(blob), moot.MemberID(author), time.UnixMilli(arrived), splitFlags(flags)
		f.set(it)
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	same := f.id == 0 || f.id == id
	f.id, f.modseq = id, modseq
	return same && messages == len(f.items), nil
}

// set replaces an item or adds it.
func (f *brief) set(it Item) {
	i, ok := slices.BinarySearchFunc(f.items, it.UID, func(one Item, uid uint32) int { return cmp.Compare(one.UID, uid) })
	if ok {
		f.items[i] = it
	} else {
		f.items = slices.Insert(f.items, i, it)
	}
}
