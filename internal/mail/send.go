package mail

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// Send implements Mailbox.
func (acc *Account) Send(ctx context.Context, o Outgoing) (Sent, error) {
	s, err := acc.send(ctx, o)
	return s, moot.Wrap("send", err)
}

func (acc *Account) send(ctx context.Context, o Outgoing) (Sent, error) {
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return Sent{}, err
	}
	out, err := complete(o.MIME, dir.Address(acc.self), acc.cfg.Now())
	if err != nil {
		return Sent{}, err
	}
	if !dir.wrote(out.header, acc.self) {
		own := dir.Address(acc.self)
		return Sent{}, moot.Errorf(moot.Denied, "From is %.80q, which is not your address: write as %s", strings.Join(out.from, ", "), own.Address)
	}
	d, err := acc.route(ctx, dir, o.To, out.header)
	if err != nil {
		return Sent{}, err
	}
	if !o.Confirm {
		err = acc.cfg.Names.Check(acc.self, d.targets...)
	}
	if err == nil {
		err = acc.cfg.Names.Remember(acc.self, d.targets...)
	}
	if err != nil {
		return Sent{}, err
	}
	return acc.dispatch(ctx, dir, out, d, o.Wait)
}

// Deliver announces a message from another domain to members. Its From is shown only if
// a server delivers it. Durable as Send.
func (acc *Account) Deliver(ctx context.Context, to []string, mime io.Reader) error {
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return err
	}
	d := delivery{inbound: true}
	for _, address := range to {
		found, err := dir.Inbound(address)
		if err != nil {
			return err
		}
		for _, t := range found {
			d.add(t, true)
		}
	}
	if len(d.named) > MaxRecipients {
		return moot.Errorf(moot.TooLarge, "a message may have at most %d recipients", MaxRecipients)
	}
	out := &outgoing{body: mime}
	_, err = acc.dispatch(ctx, dir, out, d, 0)
	return moot.Wrap("deliver", err)
}

// delivery is the recipients of a message.
type delivery struct {
	broadcast bool            // to all members: a channel
	named     []moot.MemberID // members that To and Cc name
	bcc       []moot.MemberID // members who get a Bcc copy
	outside   []string        // addresses in other domains
	server    moot.MemberID   // relays the message to them
	inbound   bool            // from another domain: its announcer gets no copy
	targets   []Target        // all of them
}

func (d *delivery) add(t Target, named bool) {
	d.targets = append(d.targets, t)
	switch {
	case t.Channel != "":
		d.broadcast = true
	case t.Outside != "":
		if !slices.Contains(d.outside, t.Outside) {
			d.outside = append(d.outside, t.Outside)
		}
	case slices.Contains(d.named, t.Member) || slices.Contains(d.bcc, t.Member):
	case named:
		d.named = append(d.named, t.Member)
	default:
		d.bcc = append(d.bcc, t.Member)
	}
}

// announced returns the recipients that the announcement names: none for a broadcast.
func (d *delivery) announced() []moot.MemberID {
	if d.broadcast {
		return nil
	}
	return d.named
}

// route resolves the recipients of a message.
func (acc *Account) route(ctx context.Context, dir Directory, to []string, h header) (d delivery, err error) {
	seen := map[Target]bool{}
	for _, address := range slices.Concat(h.to, h.cc) {
		found, err := dir.Resolve(address)
		if err != nil && len(to) == 0 {
			return d, err
		}
		for _, t := range found {
			seen[t.plain()] = true
		}
	}
	if len(to) == 0 {
		to = slices.Concat(h.to, h.cc, h.bcc)
	}
	if len(to) == 0 {
		return d, moot.Errorf(moot.Invalid, "the message has no recipient: name a member or a #channel")
	}
	if len(to) > MaxRecipients {
		return d, moot.Errorf(moot.TooLarge, "a message may have at most %d recipients: use a #channel", MaxRecipients)
	}
	for _, address := range to {
		found, err := dir.Resolve(address)
		if err != nil {
			return d, err
		}
		for _, t := range found {
			d.add(t, seen[t.plain()])
		}
	}
	if len(d.named)+len(d.bcc) > MaxRecipients {
		return d, moot.Errorf(moot.TooLarge, "a message may have at most %d recipients: use a #channel", MaxRecipients)
	}
	if len(d.outside) > 0 {
		servers := acc.servers(ctx)
		if dir.Domain == "" || len(servers) == 0 {
			return d, moot.Errorf(moot.NotFound, "%.80q is not an address of this space, and its server sends no mail to other domains", d.outside[0])
		}
		d.server = servers[0]
	}
	return d, nil
}

// dispatch seals, stores and announces a message and its Bcc copies.
func (acc *Account) dispatch(ctx context.Context, dir Directory, out *outgoing, d delivery, wait time.Duration) (Sent, error) {
	readers := d.named
	if d.broadcast {
		readers = acc.everybody(dir)
	}
	copies, err := acc.copies(ctx, dir, d, readers)
	if err != nil {
		return Sent{}, err
	}
	var twins []twin // copies that the member's mail program filed before
	if !d.inbound && !d.broadcast {
		if twins, err = acc.index.twins(out.messageID); err != nil {
			return Sent{}, err
		}
	}
	submitted, mime := newImprint(), io.MultiReader(bytes.NewReader(out.text), out.body)
	if len(twins) > 0 {
		mime = io.TeeReader(mime, submitted)
	}
	blobs, err := acc.storeCopies(ctx, mime, copies...)
	if err != nil {
		return Sent{}, err
	}
	if acc.cfg.Quota != nil {
		if err := acc.cfg.Quota(ctx, slices.Concat(d.announced(), d.bcc), blobs[0].Size); err != nil {
			return Sent{}, err
		}
	}
	statements, err := acc.announcements(ctx, dir, d, copies, blobs)
	if err != nil {
		return Sent{}, err
	}
	if _, err := acc.cfg.Write.Append(ctx, moot.Swap, statements...); err != nil {
		return Sent{}, err
	}
	if !d.inbound {
		acc.Wake()
	}
	if len(twins) > 0 {
		if err := acc.joinTwins(ctx, blobs[0].ID, submitted, twins); err != nil { // it is sent all the same
			acc.cfg.Log.Warn("join two copies of a message", "error", err)
		}
	}
	others := slices.DeleteFunc(slices.Clone(readers), func(id moot.MemberID) bool { return id == acc.self })
	s := Sent{ID: blobs[0].ID, Members: append(others, d.bcc...), Relayed: d.outside}
	s.Holders = acc.replicate(ctx, s.ID, readers, wait)
	return s, nil
}

// copies returns the blobs to make of a message: one for all who are named in it, one
// for each Bcc recipient, one for the server that relays it.
func (acc *Account) copies(ctx context.Context, dir Directory, d delivery, readers []moot.MemberID) ([]sealedCopy, error) {
	list := []sealedCopy{{readers: slices.Clone(readers)}}
	if !d.inbound && !slices.Contains(readers, acc.self) {
		list[0].readers = append(list[0].readers, acc.self)
	}
	for _, id := range d.bcc {
		list = append(list, sealedCopy{readers: []moot.MemberID{id}})
	}
	if len(d.outside) > 0 {
		list = append(list, sealedCopy{prefix: relayField + ": <" + strings.Join(d.outside, ">, <") + ">\r\n", readers: []moot.MemberID{d.server}})
	}
	var err error
	for i := range list {
		if list[i].to, err = acc.recipients(ctx, dir, list[i].readers, d.broadcast); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// announcements returns the statements that announce a message and its copies.
func (acc *Account) announcements(ctx context.Context, dir Directory, d delivery, copies []sealedCopy, blobs []moot.Blob) (statements []sign.Statement, err error) {
	private := !d.broadcast && len(d.named) == 0 // every recipient gets a Bcc copy
	for i, stored := range blobs {
		a := announcement{To: copies[i].readers, Copy: true}
		if i == 0 {
			a = announcement{To: d.announced(), Private: private, Copy: d.inbound}
		}
		a.Size = stored.Size
		body, err := encode(a)
		if err != nil {
			return nil, err
		}
		statements = append(statements, sign.Statement{Kind: moot.KindMessage, Key: stored.ID.String(), Body: body})
	}
	if private {
		own, err := acc.ownRecipients(ctx, dir)
		if err != nil {
			return nil, err
		}
		filed, err := acc.filingStatement(own, blobs[0].ID, filing{Locations: []location{{SentFolder, []Flag{Seen}}}})
		return append(statements, filed), err
	}
	return statements, nil
}

// everybody returns the readers of a broadcast.
func (acc *Account) everybody(dir Directory) (list []moot.MemberID) {
	for _, m := range dir.Roster.Members() {
		if !m.Revoked && !m.Waiting && m.Role != policy.RoleServer && m.ID != acc.self {
			list = append(list, m.ID)
		}
	}
	return list
}

// replicate pushes a message to replicas, and returns how many hold it.
func (acc *Account) replicate(ctx context.Context, id moot.BlobID, to []moot.MemberID, wait time.Duration) int {
	if acc.cfg.Replicate == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return acc.cfg.Replicate(ctx, id, to)
}

// Save implements Mailbox.
func (acc *Account) Save(ctx context.Context, folder string, flags []Flag, at time.Time, mime io.Reader) (Item, error) {
	it, err := acc.save(ctx, folder, flags, at, mime)
	return it, moot.Wrap("save the message", err)
}

func (acc *Account) save(ctx context.Context, folder string, flags []Flag, at time.Time, mime io.Reader) (Item, error) {
	if err := checkFolder(folder); err != nil {
		return Item{}, err
	}
	if at.IsZero() {
		at = acc.cfg.Now()
	}
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return Item{}, err
	}
	own := sealedCopy{readers: []moot.MemberID{acc.self}}
	if own.to, err = acc.ownRecipients(ctx, dir); err != nil {
		return Item{}, err
	}
	program := newImprint()
	blobs, err := acc.storeCopies(ctx, io.TeeReader(mime, program), own)
	if err != nil {
		return Item{}, err
	}
	var former twin
	var twins bool
	if folder == SentFolder {
		if former, twins, err = acc.submitted(ctx, program); err != nil {
			return Item{}, err
		}
		if twins && !program.has("bcc") {
			return one(acc.change(ctx, []Change{{Folder: folder, UID: former.uid, Set: flags}}))
		}
	}
	if acc.cfg.Quota != nil {
		if err := acc.cfg.Quota(ctx, []moot.MemberID{acc.self}, blobs[0].Size); err != nil {
			return Item{}, err
		}
	}
	it, err := acc.file(ctx, own.to, blobs[0], filing{[]location{{folder, flags}}, at.UnixMilli()})
	if err == nil && twins {
		_, err = acc.change(ctx, []Change{{Folder: folder, UID: former.uid, Remove: true}})
	}
	return it, err
}

// file announces a private message in a folder.
func (acc *Account) file(ctx context.Context, to []seal.Recipient, stored moot.Blob, n filing) (Item, error) {
	body, err := encode(announcement{Size: stored.Size, Private: true})
	if err != nil {
		return Item{}, err
	}
	filed, err := acc.filingStatement(to, stored.ID, n)
	if err != nil {
		return Item{}, err
	}
	if _, err := acc.cfg.Write.Append(ctx, moot.Merge, sign.Statement{Kind: moot.KindMessage, Key: stored.ID.String(), Body: body}, filed); err != nil {
		return Item{}, err
	}
	if err := acc.Sync(ctx); err != nil {
		return Item{}, err
	}
	return one(acc.index.list(ctx, Query{Folder: n.Locations[0].Folder, ID: stored.ID}))
}

// one returns the only item of a list.
func one(list []Item, err error) (Item, error) {
	if err == nil && len(list) == 0 {
		err = moot.Errorf(moot.Unavailable, "the message is stored, but not in its folder yet")
	}
	if err != nil {
		return Item{}, err
	}
	return list[0], nil
}
