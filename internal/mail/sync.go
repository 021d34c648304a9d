package mail

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

const (
	retryAfter = 3 * time.Second // between attempts at what nobody had
	fetchers   = 8               // messages fetched at once
	fetchTime  = 10 * time.Minute
)

// Run keeps the mailbox up to date until ctx ends. It looks for news when it is woken,
// and now and then for what could not be fetched, and for what was kept long enough.
func (b *Box) Run(ctx context.Context) {
	retry, sweep := time.NewTicker(retryAfter), time.NewTicker(expireEvery)
	defer retry.Stop()
	defer sweep.Stop()
	for {
		if err := b.Sync(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.Warn("mail", "member", b.self.Short(), "error", err)
		}
		select {
		case <-b.wake:
		case <-sweep.C:
			b.sweep(ctx)
		case <-retry.C:
		case <-ctx.Done():
			return
		}
	}
}

// sweep removes what was kept long enough.
func (b *Box) sweep(ctx context.Context) {
	if b.cfg.Retain == nil {
		return
	}
	if _, err := b.Expire(ctx, b.cfg.Retain()); err != nil && ctx.Err() == nil {
		b.cfg.Log.Warn("remove old messages", "member", b.self.Short(), "error", err)
	}
}

// Wake has a running Box look for news.
func (b *Box) Wake() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Sync reads what was announced since the last time, fetches what is for the member, and
// tells authors of its delivery. What cannot be fetched now is tried again the next time.
func (b *Box) Sync(ctx context.Context) error {
	b.acct.syncing.Lock()
	defer b.acct.syncing.Unlock()
	if err := b.read(ctx); err != nil {
		return err
	}
	if err := b.fetchAll(ctx); err != nil {
		return err
	}
	return b.acknowledge(ctx)
}

// read takes in announcements and the member's own notes.
func (b *Box) read(ctx context.Context) error {
	seen, err := b.acct.seen(ctx)
	if err != nil {
		return err
	}
	now, err := b.cfg.Node.Vector(ctx)
	if err != nil || seen.Includes(now) {
		return err
	}
	var entries []moot.Entry
	for _, q := range []moot.Query{
		{Kind: moot.KindMessage, History: true, Since: seen},
		{Kind: moot.KindReceipt, History: true, Since: seen, Author: b.self, Prefix: notePrefix},
	} {
		for e, err := range b.cfg.Node.Query(ctx, q) {
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
	}
	for author, seq := range seen {
		now[author] = max(now[author], seq)
	}
	return b.update(ctx, func(tx *sql.Tx) (changed []string, err error) {
		for _, e := range entries {
			folders, err := b.take(tx, e)
			if err != nil {
				return nil, err
			}
			changed = append(changed, folders...)
		}
		return changed, b.acct.setSeen(tx, now)
	})
}

// take takes in one entry. Its error is one of the index; an entry that makes no sense
// is ignored, because anybody may write anything.
func (b *Box) take(tx *sql.Tx, e moot.Entry) ([]string, error) {
	if e.Kind == moot.KindReceipt {
		return b.takeNote(tx, e)
	}
	if e.Deletes() {
		return b.withdraw(tx, e)
	}
	l, err := letterOf(e)
	if err != nil || !l.concerns(b.self) {
		return nil, nil
	}
	_, n, noted, err := b.acct.note(tx, l.ID)
	if err != nil || noted && len(n.Places) == 0 { // it was removed
		return nil, err
	}
	return nil, b.acct.await(tx, l)
}

func (b *Box) takeNote(tx *sql.Tx, e moot.Entry) ([]string, error) {
	member, id, ok := noteOf(e.Key)
	var n note
	if !ok || member != b.self || e.Body == nil || decodeSealed(e.Body, b.cfg.Key, &n) != nil {
		return nil, nil
	}
	return b.acct.setNote(tx, id, e, n)
}

// withdraw forgets what its author took back before it was fetched, or kept for himself.
func (b *Box) withdraw(tx *sql.Tx, e moot.Entry) ([]string, error) {
	id, err := moot.ParseBlobID(e.Key)
	if err != nil {
		return nil, nil
	}
	m, err := b.acct.find(tx, id)
	switch {
	case errors.Is(err, moot.NotFound):
		_, err = tx.Exec(`DELETE FROM pending WHERE account = ? AND blob = ? AND author = ?`, b.acct.id, id[:], e.Author[:])
		return nil, err
	case err != nil || m.author != e.Author || !m.kept:
		return nil, err
	}
	changed, err := b.acct.put(tx, m.row, nil)
	if err == nil {
		err = b.acct.remove(tx, m.row)
	}
	return changed, err
}

// arrival is a message that was fetched and looked at.
type arrival struct {
	letter letter
	digest
	preface string
	places  []place
	none    bool // there is nothing in it for the member
}

// fetchAll fetches all that is awaited, several at a time, and takes in what has come
// while more is coming.
func (b *Box) fetchAll(ctx context.Context) error {
	awaited, err := b.acct.awaited(ctx)
	if err != nil || len(awaited) == 0 {
		return err
	}
	dir, err := b.cfg.Directory(ctx)
	if err != nil {
		return err
	}
	todo, done := make(chan letter), make(chan arrival, fetchers)
	var crew sync.WaitGroup
	for range min(fetchers, len(awaited)) {
		crew.Go(func() {
			for l := range todo {
				a, err := b.fetch(ctx, dir, l)
				if err != nil {
					b.cfg.Log.Debug("a message cannot be fetched now", "message", l.ID, "error", err)
					continue
				}
				done <- a
			}
		})
	}
	go func() {
		defer close(done)
		defer crew.Wait()
		defer close(todo)
		for _, l := range awaited {
			select {
			case todo <- l:
			case <-ctx.Done():
				return
			}
		}
	}()
	for a := range done {
		if failed := b.takeIn(ctx, a, done); failed != nil {
			err = failed // go on: the crew waits to hand over the rest
		}
	}
	return err
}

// takeIn indexes an arrival, and with it others that are there already.
func (b *Box) takeIn(ctx context.Context, first arrival, more <-chan arrival) error {
	some := []arrival{first}
	for len(more) > 0 && len(some) < 64 {
		a, ok := <-more
		if !ok {
			break
		}
		some = append(some, a)
	}
	return b.update(ctx, func(tx *sql.Tx) (changed []string, err error) {
		for _, a := range some {
			if a.none {
				err = b.acct.forget(tx, a.letter.ID)
			} else {
				owed := a.letter.Author != b.self && len(a.letter.To) > 0
				var folders []string
				folders, err = b.acct.arrive(tx, a.letter, a.digest, a.preface, owed, a.places)
				changed = append(changed, folders...)
			}
			if err != nil {
				return nil, err
			}
		}
		return changed, nil
	})
}

// fetch gets a message and looks at it. What is not for the member, or cannot be a
// message, comes back as none: only what is worth another attempt is an error.
func (b *Box) fetch(ctx context.Context, dir Directory, l letter) (arrival, error) {
	a := arrival{letter: l}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := b.unseal(ctx, l.ID)
	if err == nil {
		defer r.Close()
		relay, rest, rerr := splitRelay(r)
		switch {
		case rerr != nil:
			err = rerr
		case len(relay) > 0:
			return b.relay(ctx, dir, a, relay, rest)
		default:
			a.digest, err = summarize(rest)
		}
	}
	switch moot.KindOf(err) {
	case "":
	case moot.Denied, moot.Corrupt, moot.TooLarge:
		b.cfg.Log.Warn("a message that cannot be read", "message", l.ID, "author", l.Author.Short(), "error", err)
		a.none = true
		return a, nil
	default:
		return a, err
	}
	b.settle(ctx, dir, &a)
	return a, nil
}

// acknowledge tells authors of deliveries.
func (b *Box) acknowledge(ctx context.Context) error {
	b.acct.changing.Lock() // what was read meanwhile is told with that
	defer b.acct.changing.Unlock()
	owed, err := b.acct.owed(ctx)
	if err != nil || len(owed) == 0 {
		return err
	}
	body, err := encode(receipt{Delivered: b.cfg.Now().UnixMilli()})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(owed, 256) {
		var statements []sign.Statement
		for _, id := range some {
			statements = append(statements, sign.Statement{Kind: moot.KindReceipt, Key: receiptKey(id, b.self), Body: body})
		}
		if _, err := b.cfg.Write.Append(ctx, moot.Merge, statements...); err != nil {
			return err
		}
		if err := b.acct.update(ctx, func(tx *sql.Tx) error { return b.acct.paid(tx, some) }); err != nil {
			return err
		}
	}
	return nil
}
