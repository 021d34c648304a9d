package mail

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"io"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// Config is what a Box is made of. The first block is required.
type Config struct {
	Node      moot.Node   // the architecture
	Write     sign.Writer // signs as the member
	Key       ed25519.PrivateKey
	Index     *Index
	Directory func(context.Context) (Directory, error)

	// Keep is this machine's store, if Node puts bytes elsewhere: what the member writes is
	// kept here, too, because others drop it once it is delivered.
	Keep Keeper
	// Servers are the space's servers: they speak for people elsewhere, and pass on what
	// is for them. nil: there are none.
	Servers func(context.Context) []moot.Key
	// Relay passes a message of a member, whose address is from, on to addresses
	// elsewhere; only a server has one. When it returns without an error the message is
	// in its care.
	Relay func(ctx context.Context, from string, to []string, mime io.Reader) error
	// Room returns an error of kind Full if a mailbox on this node is. nil: there is room.
	Room func(ctx context.Context, to []moot.Key, size int64) error
	// Spread makes others hold a message that was announced, and returns how many do; it
	// may take as long as ctx. nil: others come for it.
	Spread func(ctx context.Context, id moot.BlobID, to []moot.Key) int
	// Release is told of messages whose bytes the member needs no more.
	Release func(ctx context.Context, id moot.BlobID)
	// TellRead reports whether authors are told when their messages were read. nil: they are.
	TellRead func() bool

	// Retain tells how long messages are kept. nil: for ever.
	Retain func() Retention

	MaxMessage int64 // bytes; default 256 MiB
	Now        func() time.Time
	Log        *slog.Logger
}

// Keeper keeps bytes.
type Keeper interface {
	Put(ctx context.Context, r io.Reader) (moot.Blob, error)
}

// Box is one member's mail: a Mailbox made of a node and an index.
type Box struct {
	cfg  Config
	self moot.Key
	acct *account

	wake chan struct{}
}

var _ Mailbox = (*Box)(nil)

// New opens the member's mail.
func New(ctx context.Context, cfg Config) (*Box, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 256 << 20
	}
	b := &Box{cfg: cfg, self: seal.Public(cfg.Key), wake: make(chan struct{}, 1)}
	var err error
	b.acct, err = cfg.Index.account(ctx, b.self, cfg.Now())
	return b, err
}

// Self returns whose mail it is.
func (b *Box) Self() moot.Key { return b.self }

// Resolve finds out whom an address stands for, as Directory.Resolve.
func (b *Box) Resolve(ctx context.Context, address string) (Target, error) {
	dir, err := b.cfg.Directory(ctx)
	if err != nil {
		return Target{}, err
	}
	return dir.Resolve(address)
}

// Folders implements Mailbox.
func (b *Box) Folders(ctx context.Context) ([]Folder, error) { return b.acct.folders(ctx) }

// List implements Mailbox.
func (b *Box) List(ctx context.Context, q Query) ([]Item, error) { return b.acct.list(ctx, q) }

// Open implements Mailbox.
func (b *Box) Open(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	m, err := b.acct.find(b.acct.read, id)
	if err != nil {
		return nil, err
	}
	plain, err := b.unseal(ctx, id)
	if err != nil {
		return nil, moot.Wrap("open the message", err)
	}
	return joined{io.MultiReader(strings.NewReader(m.preface), plain), plain}, nil
}

// unseal returns what the member can read of a blob.
func (b *Box) unseal(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	rc, err := b.cfg.Node.Get(ctx, id, moot.Whole)
	if err != nil {
		return nil, err
	}
	r, err := seal.Decrypt(blob.NewDecoder(rc, id, moot.Whole), b.cfg.Key)
	if err != nil {
		return nil, errors.Join(err, rc.Close())
	}
	return joined{r, rc}, nil
}

type joined struct {
	io.Reader
	io.Closer
}

// Receipts implements Mailbox.
func (b *Box) Receipts(ctx context.Context, id moot.BlobID) ([]Receipt, error) {
	if _, err := b.acct.find(b.acct.read, id); err != nil {
		return nil, err
	}
	var l letter
	for e, err := range b.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindMessage, Key: id.String()}) {
		if err == nil {
			l, err = letterOf(e)
		}
		if err != nil {
			return nil, moot.Wrap("receipts", err)
		}
	}
	got := map[moot.Key]Receipt{}
	for e, err := range b.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindReceipt, Prefix: id.String() + "/"}) {
		if err != nil {
			return nil, moot.Wrap("receipts", err)
		}
		if r, ok := b.receipt(e); ok {
			got[e.Author] = r
		}
	}
	list := make([]Receipt, 0, len(l.To))
	for _, k := range l.To {
		r := got[k]
		r.Reader = k
		list = append(list, r)
	}
	return list, nil
}

// receipt reads an entry that should be a receipt, as far as it is for this member.
func (b *Box) receipt(e moot.Entry) (r Receipt, ok bool) {
	_, reader, isReceipt := receiptOf(e.Key)
	var body receipt
	if !isReceipt || reader != e.Author || decode(e.Body, &body) != nil {
		return r, false
	}
	r.Delivered = time.UnixMilli(body.Delivered)
	var read int64
	if len(body.Sealed) > 0 && decodeSealed(body.Sealed, b.cfg.Key, &read) == nil {
		r.Read = time.UnixMilli(read)
	}
	return r, true
}

// Watch implements Mailbox.
func (b *Box) Watch(ctx context.Context) iter.Seq[[]string] { return b.acct.watchers.watch(ctx) }

func (b *Box) update(ctx context.Context, do func(*sql.Tx) ([]string, error)) error {
	var changed []string
	err := b.acct.update(ctx, func(tx *sql.Tx) (err error) {
		changed, err = do(tx)
		return err
	})
	if err == nil && len(changed) > 0 {
		b.acct.watchers.tell(changed)
	}
	return err
}
