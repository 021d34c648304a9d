package mail

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

const (
	retryAfter = 3 * time.Second // between attempts to fetch unavailable messages
	fetchers   = 8               // messages fetched in parallel
	fetchTime  = 10 * time.Minute
)

// receiptDelay is how long delivery receipts are gathered.
const receiptDelay = 300 * time.Millisecond

// Run syncs the account until ctx ends: when it is woken, and periodically for messages
// that were unavailable. It also expires messages.
func (acc *Account) Run(ctx context.Context) {
	retry, sweep := time.NewTicker(retryAfter), time.NewTicker(expireEvery)
	defer retry.Stop()
	defer sweep.Stop()
	var receipts <-chan time.Time // nil: none are gathered
	older := int64(-1)            // the last message that was looked at for its beginning; 0: all were
	check := func(err error) {
		if err != nil && ctx.Err() == nil {
			acc.cfg.Log.Warn("mail", "member", acc.self.Short(), "error", err)
		}
	}
	check(acc.Sync(ctx))
	for {
		select {
		case <-acc.wake:
			check(acc.arrive(ctx))
			if receipts == nil {
				receipts = time.After(receiptDelay)
			}
		case <-receipts:
			receipts = nil
			check(acc.acknowledge(ctx))
		case <-sweep.C:
			acc.sweep(ctx)
		case <-retry.C:
			check(acc.retry(ctx))
			check(acc.index.indexWords(ctx, wordsAtOnce))
			if older != 0 {
				var err error
				older, err = acc.fillBeginnings(ctx, older)
				check(err)
			}
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
	t, err := acc.take()
	if err == nil {
		err = acc.syncAll(ctx, t)
	}
	if err != nil {
		return err
	}
	return acc.acknowledge(ctx)
}

// arrive takes in what was handed over, or else all that there is, without receipts.
func (acc *Account) arrive(ctx context.Context) error {
	acc.index.syncing.Lock()
	defer acc.index.syncing.Unlock()
	t, err := acc.take()
	switch {
	case err != nil:
		return err
	case t.whole && !t.recheck && len(t.entries) > 0:
		return acc.receive(ctx, t.entries)
	}
	return acc.syncAll(ctx, t)
}

// retry is Sync, but that it looks for entries only if they are not handed over.
func (acc *Account) retry(ctx context.Context) error {
	acc.index.syncing.Lock()
	defer acc.index.syncing.Unlock()
	t, err := acc.take()
	switch {
	case err != nil:
	case t.whole && !t.recheck:
		if err = acc.receive(ctx, t.entries); err == nil {
			err = acc.savePosition(ctx, t)
		}
		if err == nil {
			err = acc.fetchAll(ctx)
		}
	default:
		err = acc.syncAll(ctx, t)
	}
	if err != nil {
		return err
	}
	return acc.acknowledge(ctx)
}

func (acc *Account) take() (taken, error) {
	seen, err := acc.index.cursor()
	t := acc.handed.take(seen.Vector)
	if err != nil {
		acc.handed.incomplete()
	}
	return t, err
}

func (acc *Account) syncAll(ctx context.Context, t taken) error {
	var err error
	if t.whole {
		err = acc.receive(ctx, t.entries)
	}
	if err == nil {
		err = acc.readEntries(ctx, t)
	}
	if err != nil {
		acc.handed.incomplete()
		return err
	}
	acc.handed.caughtUp(t)
	return acc.fetchAll(ctx)
}

// retract removes a message that its author retracted, if it was not fetched yet or is
// private to the author.
func (acc *Account) retract(tx *sqlite.Tx, e moot.Entry, author moot.MemberID) ([]string, error) {
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
	begin     []byte // the message's first bytes, without the preface
	locations []location
	skip      bool // not for the member's folders
}

// fetchAll fetches all pending messages.
func (acc *Account) fetchAll(ctx context.Context) error {
	pending, err := acc.index.pending()
	if err == nil {
		_, err = acc.fetchEach(ctx, pending)
	}
	return err
}

// fetchEach fetches messages in parallel, indexes them as they arrive, and returns those
// that were unavailable.
func (acc *Account) fetchEach(ctx context.Context, list []envelope) (missing []envelope, err error) {
	keys := acc.keysBasis(ctx)
	open := acc.sealed.drop(slices.Clone(list), keys)
	if len(open) == 0 {
		return list, nil
	}
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return list, err
	}
	indexed := map[moot.BlobID]bool{}
	todo, done := make(chan envelope, len(open)), make(chan arrival, fetchers)
	for _, env := range open {
		todo <- env
	}
	close(todo)
	var workers sync.WaitGroup
	for range min(fetchers, len(open)) {
		workers.Go(func() { acc.fetchFrom(ctx, dir, keys, todo, done) })
	}
	go func() {
		defer close(done)
		workers.Wait()
	}()
	for a := range done {
		batch, failed := acc.indexAll(ctx, a, done)
		if failed != nil {
			err = failed // drain done: the workers block on it
			continue
		}
		for _, one := range batch {
			indexed[one.envelope.ID] = true
		}
	}
	return slices.DeleteFunc(list, func(env envelope) bool { return indexed[env.ID] }), err
}

func (acc *Account) fetchFrom(ctx context.Context, dir Directory, keys string, todo <-chan envelope, done chan<- arrival) {
	for env := range todo {
		if ctx.Err() != nil {
			return
		}
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
}

// indexAll indexes an arrival together with others that are ready.
func (acc *Account) indexAll(ctx context.Context, first arrival, more <-chan arrival) ([]arrival, error) {
	batch := []arrival{first}
	for len(more) > 0 && len(batch) < 64 {
		a, ok := <-more
		if !ok {
			break
		}
		batch = append(batch, a)
	}
	return batch, acc.update(ctx, func(tx *sqlite.Tx) (changed []string, err error) {
		for _, a := range batch {
			if a.skip {
				err = acc.index.removePending(tx, a.envelope.ID)
			} else {
				acknowledge := a.envelope.Author != acc.self && len(a.envelope.To) > 0 || a.envelope.Elsewhere
				var folders []string
				folders, err = acc.index.insert(tx, &a, acknowledge)
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
			begin := &beginning{r: rest}
			a.digest, err = summarize(begin)
			a.begin = begin.data
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
