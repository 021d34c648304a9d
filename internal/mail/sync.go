package mail

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const (
	retryAfter = 3 * time.Second // between attempts to fetch unavailable messages
	fetchers   = 8               // messages fetched in parallel
	fetchTime  = 10 * time.Minute
)

// Run syncs the account until ctx ends: when it is woken, and periodically for messages
// that were unavailable. It also expires messages.
func (acc *Account) Run(ctx context.Context) {
	retry, sweep := time.NewTicker(retryAfter), time.NewTicker(expireEvery)
	defer retry.Stop()
	defer sweep.Stop()
	for {
		if err := acc.Sync(ctx); err != nil && ctx.Err() == nil {
			acc.cfg.Log.Warn("mail", "member", acc.self.Short(), "error", err)
		}
		select {
		case <-acc.wake:
		case <-sweep.C:
			acc.sweep(ctx)
		case <-retry.C:
		case <-ctx.Done():
			return
		}
	}
}

// sweep expires messages.
func (acc *Account) sweep(ctx context.Context) {
	if acc.cfg.Retain == nil {
		return
	}
	if _, err := acc.Expire(ctx, acc.cfg.Retain()); err != nil && ctx.Err() == nil {
		acc.cfg.Log.Warn("remove old messages", "member", acc.self.Short(), "error", err)
	}
}

// Wake triggers a Sync of a running account.
func (acc *Account) Wake() {
	select {
	case acc.wake <- struct{}{}:
	default:
	}
}

// Sync reads new announcements, fetches messages for the member, and sends delivery
// receipts. Messages that are unavailable are retried by the next Sync.
func (acc *Account) Sync(ctx context.Context) error {
	acc.index.syncing.Lock()
	defer acc.index.syncing.Unlock()
	if err := acc.readEntries(ctx); err != nil {
		return err
	}
	if err := acc.fetchAll(ctx); err != nil {
		return err
	}
	return acc.acknowledge(ctx)
}

// retract removes a message that its author retracted, if it was not fetched yet or is
// private to the author.
func (acc *Account) retract(tx *sql.Tx, e moot.Entry, author moot.MemberID) ([]string, error) {
	id, err := moot.ParseBlobID(e.Key)
	if err != nil {
		return nil, nil
	}
	m, err := acc.index.find(tx, id)
	switch {
	case errors.Is(err, moot.NotFound):
		_, err = tx.Exec(`DELETE FROM pending WHERE account = ? AND blob = ? AND author = ?`, acc.index.id, id[:], author[:])
		return nil, err
	case err != nil || m.author != author || !m.private:
		return nil, err
	}
	changed, err := acc.index.put(tx, m.row, nil)
	if err == nil {
		err = acc.index.remove(tx, m.row)
	}
	return changed, err
}

// arrival is a fetched and parsed message.
type arrival struct {
	envelope envelope
	digest
	preface   string
	locations []location
	skip      bool // not for the member's folders
}

// fetchAll fetches all pending messages in parallel, and indexes them as they arrive.
func (acc *Account) fetchAll(ctx context.Context) error {
	pending, err := acc.index.pending(ctx)
	if err != nil {
		return err
	}
	keys := acc.keysBasis(ctx)
	if pending = acc.sealed.drop(pending, keys); len(pending) == 0 {
		return nil
	}
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return err
	}
	todo, done := make(chan envelope), make(chan arrival, fetchers)
	var workers sync.WaitGroup
	for range min(fetchers, len(pending)) {
		workers.Go(func() {
			for env := range todo {
				a, err := acc.fetch(ctx, dir, env)
				if errors.Is(err, errSealed) {
					acc.sealed.add(env.ID, keys)
				}
				if err != nil {
					acc.cfg.Log.Debug("message unavailable, will retry", "message", env.ID, "error", err)
					continue
				}
				done <- a
			}
		})
	}
	go func() {
		defer close(done)
		defer workers.Wait()
		defer close(todo)
		for _, env := range pending {
			select {
			case todo <- env:
			case <-ctx.Done():
				return
			}
		}
	}()
	for a := range done {
		if failed := acc.indexAll(ctx, a, done); failed != nil {
			err = failed // drain done: the workers block on it
		}
	}
	return err
}

// indexAll indexes an arrival together with others that are ready.
func (acc *Account) indexAll(ctx context.Context, first arrival, more <-chan arrival) error {
	batch := []arrival{first}
	for len(more) > 0 && len(batch) < 64 {
		a, ok := <-more
		if !ok {
			break
		}
		batch = append(batch, a)
	}
	return acc.update(ctx, func(tx *sql.Tx) (changed []string, err error) {
		for _, a := range batch {
			if a.skip {
				err = acc.index.removePending(tx, a.envelope.ID)
			} else {
				acknowledge := a.envelope.Author != acc.self && len(a.envelope.To) > 0 || a.envelope.Elsewhere
				var folders []string
				folders, err = acc.index.insert(tx, a.envelope, a.digest, a.preface, acknowledge, a.locations)
				changed = append(changed, folders...)
			}
			if err != nil {
				return nil, err
			}
		}
		return changed, nil
	})
}

// fetch fetches and parses a message. One that is unreadable, or not for the member, has
// skip set; an error means that it is worth a retry.
func (acc *Account) fetch(ctx context.Context, dir Directory, env envelope) (arrival, error) {
	a := arrival{envelope: env}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := acc.unseal(ctx, env.ID)
	if err == nil {
		defer r.Close()
		var relay []string
		var rest io.Reader = r
		var rerr error
		if !env.Private { // what a member files for himself is for nobody else
			relay, rest, rerr = splitRelay(r)
		}
		switch {
		case rerr != nil:
			err = rerr
		case len(relay) > 0:
			return acc.relayOutbound(ctx, dir, a, relay, rest)
		default:
			a.digest, err = summarize(rest)
		}
	}
	switch moot.KindOf(err) {
	case "":
	case moot.Corrupt, moot.TooLarge:
		acc.cfg.Log.Warn("damaged message ignored", "message", env.ID, "author", env.Author.Short(), "error", err)
		a.skip = true
		return a, nil
	default:
		return a, err
	}
	acc.classify(ctx, dir, &a)
	return a, nil
}
