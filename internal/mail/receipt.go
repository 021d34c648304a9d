package mail

import (
	"context"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/sqlite"
)

// Receipts implements Mailbox.
func (acc *Account) Receipts(ctx context.Context, id moot.BlobID) ([]Receipt, error) {
	list, err := acc.receipts(ctx, id)
	return list, moot.Wrap("receipts", err)
}

func (acc *Account) receipts(ctx context.Context, id moot.BlobID) ([]Receipt, error) {
	if _, err := acc.index.find(acc.index.read, id); err != nil {
		return nil, err
	}
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return nil, err
	}
	var env envelope
	for e, err := range acc.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindMessage, Key: id.String()}) {
		if err == nil {
			env, err = parseEnvelope(e, moot.MemberID{})
		}
		if err != nil {
			return nil, err
		}
	}
	got := map[moot.MemberID]Receipt{}
	for e, err := range acc.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindReceipt, Prefix: id.String() + "/"}) {
		if err != nil {
			return nil, err
		}
		if r, ok := acc.receipt(ctx, dir, e); ok {
			got[r.Reader] = earlier(got[r.Reader], r)
		}
	}
	list := make([]Receipt, 0, len(env.To))
	for _, member := range env.To {
		r := got[member]
		r.Reader = member
		list = append(list, r)
	}
	return list, nil
}

// earlier joins the receipts of two devices of one member.
func earlier(a, b Receipt) Receipt {
	return Receipt{Reader: b.Reader, Delivered: first(a.Delivered, b.Delivered), Read: first(a.Read, b.Read)}
}

// first returns the earlier of two times; zero is no time.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// receipt decodes a receipt; when it was read is sealed to the message's author.
func (acc *Account) receipt(ctx context.Context, dir Directory, e moot.Entry) (r Receipt, ok bool) {
	_, device, isReceipt := parseReceiptKey(e.Key)
	reader, known := dir.Roster.Owner(e.Author)
	var body receipt
	if !isReceipt || device != e.Author || !known || decode(e.Body, &body) != nil {
		return r, false
	}
	r.Reader, r.Delivered = reader, time.UnixMilli(body.Delivered)
	var read int64
	if len(body.Sealed) > 0 && decodeSealed(body.Sealed, acc.identities(ctx), &read) == nil {
		r.Read = time.UnixMilli(read)
	}
	return r, true
}

// acknowledge writes delivery receipts for all devices of the member that share the
// index: what one of them has, all have.
func (acc *Account) acknowledge(ctx context.Context) error {
	acc.index.changing.Lock() // a concurrent Change may write the receipt
	defer acc.index.changing.Unlock()
	ids, err := acc.index.unacknowledged(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	body, err := encode(receipt{Delivered: acc.cfg.Now().UnixMilli()})
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(ids, 256) {
		for device, write := range acc.writers() {
			var statements []sign.Statement
			for _, id := range batch {
				statements = append(statements, sign.Statement{Kind: moot.KindReceipt, Key: receiptKey(id, device), Body: body})
			}
			if _, err := write.Append(ctx, moot.Merge, statements...); err != nil {
				return err
			}
		}
		if err := acc.index.update(ctx, func(tx *sqlite.Tx) error { return acc.index.acknowledged(tx, batch) }); err != nil {
			return err
		}
	}
	return nil
}

// writers returns the writers of the member's devices that share the index.
func (acc *Account) writers() map[moot.Key]sign.Writer {
	all := acc.index.writers()
	all[acc.device] = acc.cfg.Write
	return all
}

// readReceipts returns the receipts that a message was delivered and, sealed to its
// author, read. None, if a device of the member has said so before or the message asks
// for none, as in a channel.
func (acc *Account) readReceipts(ctx context.Context, dir Directory, id moot.BlobID, m *planned) (list []sign.Statement, err error) {
	s := sign.Statement{Kind: moot.KindReceipt, Key: receiptKey(id, acc.device)}
	r := receipt{Delivered: acc.cfg.Now().UnixMilli()}
	delivered := false
	for e, err := range acc.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindReceipt, Prefix: id.String() + "/"}) {
		if err != nil {
			return nil, err
		}
		var former receipt
		owner, _ := dir.Roster.Owner(e.Author)
		switch {
		case owner != acc.self || e.Key != receiptKey(id, e.Author):
			continue
		case decode(e.Body, &former) != nil || len(former.Sealed) > 0:
			return nil, nil
		case e.Author == acc.device:
			r.Delivered, s.Replaces = former.Delivered, append(s.Replaces, e.ID)
		}
		delivered = true
	}
	if !delivered && !m.unacknowledged {
		return nil, nil
	}
	to := dir.recipients(m.author)
	if len(to) == 0 {
		return nil, nil
	}
	if r.Sealed, err = encodeSealed(acc.cfg.Now().UnixMilli(), to...); err != nil {
		return nil, err
	}
	s.Body, err = encode(r)
	return []sign.Statement{s}, err
}
