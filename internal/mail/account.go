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

// Config has the dependencies of an Account. The first block is required.
type Config struct {
	Node      moot.Node   // the architecture
	Write     sign.Writer // signs as the member
	Key       ed25519.PrivateKey
	Index     *Index
	Directory func(context.Context) (Directory, error)

	// Mirror is this machine's store, if Node stores blobs on other machines: it holds a second copy
	// of what the member writes, because others drop it once it is delivered.
	Mirror BlobStore
	// Servers returns the space's servers, which exchange mail with other domains. nil:
	// there are none.
	Servers func(context.Context) []moot.Key
	// Outbound relays a member's message to addresses in other domains; only a server has
	// it. The message is durable when it returns nil.
	Outbound func(ctx context.Context, from string, to []string, mime io.Reader) error
	// Quota returns an error of kind Full if a mailbox on this node is full. nil: no quota.
	Quota func(ctx context.Context, to []moot.Key, size int64) error
	// Replicate pushes an announced message to other nodes until ctx ends, and returns how
	// many hold it. nil: others pull it.
	Replicate func(ctx context.Context, id moot.BlobID, to []moot.Key) int
	// Reclaim frees the blob of a message that the member has removed. nil: it stays.
	Reclaim func(ctx context.Context, id moot.BlobID)
	// SendReceipts reports whether authors get read receipts. nil: they do.
	SendReceipts func() bool

	// Retain returns the retention periods. nil: messages stay for ever.
	Retain func() Retention

	MaxMessage int64 // bytes; default 256 MiB
	Now        func() time.Time
	Log        *slog.Logger
}

// BlobStore stores blobs.
type BlobStore interface {
	Put(ctx context.Context, r io.Reader) (moot.Blob, error)
}

// Account is one member's mailbox over a node and an index.
type Account struct {
	cfg   Config
	self  moot.Key
	index *accountIndex

	wake chan struct{}
}

var _ Mailbox = (*Account)(nil)

// New opens the member's account.
func New(ctx context.Context, cfg Config) (*Account, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 256 << 20
	}
	b := &Account{cfg: cfg, self: seal.Public(cfg.Key), wake: make(chan struct{}, 1)}
	var err error
	b.index, err = cfg.Index.forMember(ctx, b.self, cfg.Now())
	return b, err
}

// Self returns the member's key.
func (acc *Account) Self() moot.Key { return acc.self }

// Resolve looks an address up, as Directory.Resolve.
func (acc *Account) Resolve(ctx context.Context, address string) (Target, error) {
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return Target{}, err
	}
	return dir.Resolve(address)
}

// Folders implements Mailbox.
func (acc *Account) Folders(ctx context.Context) ([]Folder, error) { return acc.index.folders(ctx) }

// List implements Mailbox.
func (acc *Account) List(ctx context.Context, q Query) ([]Item, error) { return acc.index.list(ctx, q) }

// Open implements Mailbox.
func (acc *Account) Open(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	m, err := acc.index.find(acc.index.read, id)
	if err != nil {
		return nil, err
	}
	plain, err := acc.unseal(ctx, id)
	if err != nil {
		return nil, moot.Wrap("open the message", err)
	}
	return joined{io.MultiReader(strings.NewReader(m.preface), plain), plain}, nil
}

// unseal opens a blob that is sealed to the member.
func (acc *Account) unseal(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	rc, err := acc.cfg.Node.Get(ctx, id, moot.Whole)
	if err != nil {
		return nil, err
	}
	r, err := seal.Decrypt(blob.NewDecoder(rc, id, moot.Whole), seal.Device(acc.cfg.Key))
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
func (acc *Account) Receipts(ctx context.Context, id moot.BlobID) ([]Receipt, error) {
	if _, err := acc.index.find(acc.index.read, id); err != nil {
		return nil, err
	}
	var env envelope
	for e, err := range acc.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindMessage, Key: id.String()}) {
		if err == nil {
			env, err = parseEnvelope(e)
		}
		if err != nil {
			return nil, moot.Wrap("receipts", err)
		}
	}
	got := map[moot.Key]Receipt{}
	for e, err := range acc.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindReceipt, Prefix: id.String() + "/"}) {
		if err != nil {
			return nil, moot.Wrap("receipts", err)
		}
		if r, ok := acc.receipt(e); ok {
			got[e.Author] = r
		}
	}
	list := make([]Receipt, 0, len(env.To))
	for _, k := range env.To {
		r := got[k]
		r.Reader = k
		list = append(list, r)
	}
	return list, nil
}

// receipt decodes a receipt; when it was read is sealed to the message's author.
func (acc *Account) receipt(e moot.Entry) (r Receipt, ok bool) {
	_, reader, isReceipt := parseReceiptKey(e.Key)
	var body receipt
	if !isReceipt || reader != e.Author || decode(e.Body, &body) != nil {
		return r, false
	}
	r.Delivered = time.UnixMilli(body.Delivered)
	var read int64
	if len(body.Sealed) > 0 && decodeSealed(body.Sealed, acc.cfg.Key, &read) == nil {
		r.Read = time.UnixMilli(read)
	}
	return r, true
}

// Watch implements Mailbox.
func (acc *Account) Watch(ctx context.Context) iter.Seq[[]string] {
	return acc.index.watchers.watch(ctx)
}

func (acc *Account) update(ctx context.Context, do func(*sql.Tx) ([]string, error)) error {
	var changed []string
	err := acc.index.update(ctx, func(tx *sql.Tx) (err error) {
		changed, err = do(tx)
		return err
	})
	if err == nil && len(changed) > 0 {
		acc.index.watchers.notify(changed)
	}
	return err
}
