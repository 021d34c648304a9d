package mail

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// Send implements Mailbox.
func (b *Box) Send(ctx context.Context, o Outgoing) (Sent, error) {
	s, err := b.send(ctx, o)
	return s, moot.Wrap("send", err)
}

func (b *Box) send(ctx context.Context, o Outgoing) (Sent, error) {
	dir, err := b.cfg.Directory(ctx)
	if err != nil {
		return Sent{}, err
	}
	out, err := complete(o.MIME, dir.Address(b.self), b.cfg.Now())
	if err != nil {
		return Sent{}, err
	}
	if from, err := dir.Resolve(out.from); err != nil || from.Member != b.self {
		own := dir.Address(b.self)
		return Sent{}, moot.Errorf(moot.Denied, "From is %.80q, which is not you: write as %s", out.from, own.Address)
	}
	d, err := b.route(ctx, dir, o.To, out.header)
	if err != nil {
		return Sent{}, err
	}
	return b.dispatch(ctx, out, d, o.Wait)
}

// Deliver announces a message from elsewhere to members. Only what a server's member
// delivers is shown as from whom it says. Durable as Send.
func (b *Box) Deliver(ctx context.Context, to []string, mime io.Reader) error {
	dir, err := b.cfg.Directory(ctx)
	if err != nil {
		return err
	}
	d := delivery{foreign: true}
	for _, address := range to {
		t, err := dir.Resolve(address)
		if err != nil {
			return err
		}
		if t.Outside != "" {
			return moot.Errorf(moot.NotFound, "%.80q is not an address here", address)
		}
		d.add(t, true)
	}
	out := &outgoing{body: mime}
	_, err = b.dispatch(ctx, out, d, 0)
	return moot.Wrap("deliver", err)
}

// delivery is whom a message goes to.
type delivery struct {
	wide    bool       // to all members: a channel
	named   []moot.Key // members whom all recipients see named
	hidden  []moot.Key // members who get a copy of their own
	outside []string   // addresses elsewhere
	server  moot.Key   // who passes it on to them
	foreign bool       // it is from elsewhere: who announces it keeps nothing of it
}

func (d *delivery) add(t Target, named bool) {
	switch {
	case t.Channel != "":
		d.wide = true
	case t.Outside != "":
		if !slices.Contains(d.outside, t.Outside) {
			d.outside = append(d.outside, t.Outside)
		}
	case slices.Contains(d.named, t.Member) || slices.Contains(d.hidden, t.Member):
	case named:
		d.named = append(d.named, t.Member)
	default:
		d.hidden = append(d.hidden, t.Member)
	}
}

// openly returns whom the announcement names: nobody, if it is for all.
func (d *delivery) openly() []moot.Key {
	if d.wide {
		return nil
	}
	return d.named
}

// route finds out whom a message goes to.
func (b *Box) route(ctx context.Context, dir Directory, to []string, h header) (d delivery, err error) {
	seen := map[Target]bool{}
	for _, address := range slices.Concat(h.to, h.cc) {
		if t, err := dir.Resolve(address); err == nil {
			seen[t] = true
		} else if len(to) == 0 {
			return d, err
		}
	}
	if len(to) == 0 {
		to = slices.Concat(h.to, h.cc, h.bcc)
	}
	if len(to) == 0 {
		return d, moot.Errorf(moot.Invalid, "the message is to nobody: name a member, a key or a #channel")
	}
	if len(to) > MaxRecipients {
		return d, moot.Errorf(moot.TooLarge, "a message may be to %d at most: use a #channel", MaxRecipients)
	}
	for _, address := range to {
		t, err := dir.Resolve(address)
		if err != nil {
			return d, err
		}
		d.add(t, seen[t])
	}
	if len(d.outside) > 0 {
		servers := b.servers(ctx)
		if dir.Domain == "" || len(servers) == 0 {
			return d, moot.Errorf(moot.NotFound, "%.80q is not an address of this space, and its server sends no mail elsewhere", d.outside[0])
		}
		d.server = servers[0]
	}
	return d, nil
}

// dispatch seals, stores and announces: the message for all who are named in it, and a
// copy for each who is not.
func (b *Box) dispatch(ctx context.Context, out *outgoing, d delivery, wait time.Duration) (Sent, error) {
	readers, err := d.named, error(nil)
	if d.wide {
		readers, err = b.everybody(ctx)
	}
	if err != nil {
		return Sent{}, err
	}
	keys := slices.Clone(readers)
	if !d.foreign {
		keys = append(keys, b.self)
	}
	stored, err := b.store(ctx, io.MultiReader(strings.NewReader(string(out.text)), out.body), keys...)
	if err != nil {
		return Sent{}, err
	}
	if b.cfg.Room != nil {
		if err := b.cfg.Room(ctx, slices.Concat(d.openly(), d.hidden), stored.Size); err != nil {
			return Sent{}, err
		}
	}
	statements := make([]sign.Statement, 0, 2+len(d.hidden))
	announce := func(stored moot.Blob, a announcement) error {
		a.Size = stored.Size
		body, err := encode(a)
		statements = append(statements, sign.Statement{Kind: moot.KindMessage, Key: stored.ID.String(), Body: body})
		return err
	}
	id := stored.ID
	kept := !d.wide && len(d.named) == 0 // all others get copies of their own
	if err := announce(stored, announcement{To: d.openly(), Kept: kept, Copy: d.foreign}); err != nil {
		return Sent{}, err
	}
	if kept {
		if statements, err = b.withNote(statements, id, note{Places: []place{{SentFolder, []Flag{Seen}}}}); err != nil {
			return Sent{}, err
		}
	}
	for _, c := range d.copies() {
		another, err := b.copyOf(ctx, id, c)
		if err == nil {
			err = announce(another, announcement{To: []moot.Key{c.to}, Copy: true})
		}
		if err != nil {
			return Sent{}, err
		}
	}
	if _, err := b.cfg.Write.Append(ctx, moot.Swap, statements...); err != nil {
		return Sent{}, err
	}
	b.Wake()
	s := Sent{ID: id, Members: append(slices.DeleteFunc(slices.Clone(readers), func(k moot.Key) bool { return k == b.self }), d.hidden...), Relayed: d.outside}
	s.Holders = b.spread(ctx, id, readers, wait)
	return s, nil
}

// everybody returns whom a channel's messages are sealed to.
func (b *Box) everybody(ctx context.Context) (keys []moot.Key, err error) {
	dir, err := b.cfg.Directory(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range dir.Roster.Members() {
		if !m.Revoked && m.Role != policy.RoleServer && m.Key != b.self {
			keys = append(keys, m.Key)
		}
	}
	return keys, nil
}

// further is a copy for one who is not named in the message.
type further struct {
	to     moot.Key
	prefix string
}

func (d *delivery) copies() (list []further) {
	for _, k := range d.hidden {
		list = append(list, further{to: k})
	}
	if len(d.outside) > 0 {
		list = append(list, further{d.server, relayField + ": <" + strings.Join(d.outside, ">, <") + ">\r\n"})
	}
	return list
}

// copyOf seals a message of the member's again, to another.
func (b *Box) copyOf(ctx context.Context, id moot.BlobID, c further) (moot.Blob, error) {
	plain, err := b.unseal(ctx, id)
	if err != nil {
		return moot.Blob{}, err
	}
	defer plain.Close()
	return b.store(ctx, io.MultiReader(strings.NewReader(c.prefix), plain), c.to)
}

// store seals what r returns and puts it where the architecture says; what the member
// can read is kept on this machine, too.
func (b *Box) store(ctx context.Context, r io.Reader, readers ...moot.Key) (moot.Blob, error) {
	pr, pw := io.Pipe()
	limited := &limit{r: r, left: b.cfg.MaxMessage, most: b.cfg.MaxMessage}
	var crew errgroup.Group
	crew.Go(func() error {
		w, err := seal.Encrypt(pw, readers...)
		if err == nil {
			_, err = io.Copy(w, limited)
		}
		if err == nil {
			err = w.Close()
		}
		pw.CloseWithError(err)
		return nil // the reader of the pipe is told
	})
	defer crew.Wait() // r is not used any more
	defer pr.CloseWithError(io.ErrClosedPipe)
	if b.cfg.Keep == nil || !slices.Contains(readers, b.self) {
		return b.cfg.Node.Put(ctx, pr)
	}
	return putTwice(ctx, pr, b.cfg.Keep, b.cfg.Node)
}

// putTwice puts what r returns into two stores at once.
func putTwice(ctx context.Context, r io.Reader, first, second Keeper) (stored moot.Blob, err error) {
	pr, pw := io.Pipe()
	var crew errgroup.Group
	crew.Go(func() error {
		_, err := first.Put(ctx, pr)
		pr.CloseWithError(err)
		return err
	})
	stored, err = second.Put(ctx, io.TeeReader(r, pw))
	pw.CloseWithError(err)
	return stored, errors.Join(err, crew.Wait())
}

// limit is a reader that fails beyond a number of bytes.
type limit struct {
	r          io.Reader
	left, most int64
}

func (l *limit) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, moot.Errorf(moot.TooLarge, "the message is larger than %d MiB: share the file, and send its name", l.most>>20)
	}
	return n, err
}

// spread has others hold a message, and returns how many do.
func (b *Box) spread(ctx context.Context, id moot.BlobID, to []moot.Key, wait time.Duration) int {
	if b.cfg.Spread == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return b.cfg.Spread(ctx, id, to)
}

// Save implements Mailbox.
func (b *Box) Save(ctx context.Context, folder string, flags []Flag, at time.Time, mime io.Reader) (Item, error) {
	it, err := b.save(ctx, folder, flags, at, mime)
	return it, moot.Wrap("save the message", err)
}

func (b *Box) save(ctx context.Context, folder string, flags []Flag, at time.Time, mime io.Reader) (Item, error) {
	if err := checkFolder(folder); err != nil {
		return Item{}, err
	}
	stored, err := b.store(ctx, mime, b.self)
	if err != nil {
		return Item{}, err
	}
	id := stored.ID
	body, err := encode(announcement{Size: stored.Size, Kept: true})
	if err != nil {
		return Item{}, err
	}
	statements, err := b.withNote([]sign.Statement{{Kind: moot.KindMessage, Key: id.String(), Body: body}}, id, note{[]place{{folder, flags}}, at.UnixMilli()})
	if err != nil {
		return Item{}, err
	}
	if _, err := b.cfg.Write.Append(ctx, moot.Merge, statements...); err != nil {
		return Item{}, err
	}
	if err := b.Sync(ctx); err != nil {
		return Item{}, err
	}
	items, err := b.acct.list(ctx, Query{Folder: folder, ID: id})
	if err == nil && len(items) == 0 {
		err = moot.Errorf(moot.Unavailable, "the message is safe, but not in its folder yet")
	}
	if err != nil {
		return Item{}, err
	}
	return items[0], nil
}

// withNote adds a note about a new message.
func (b *Box) withNote(statements []sign.Statement, id moot.BlobID, n note) ([]sign.Statement, error) {
	body, err := encodeSealed(n, b.self)
	return append(statements, sign.Statement{Kind: moot.KindReceipt, Key: noteKey(b.self, id), Body: body}), err
}
