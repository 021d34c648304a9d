package jobs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

// Terms are the conditions on which a node lends computing power. The zero Terms lend nothing.
type Terms struct {
	CPUs   int             `json:"cpus" cbor:"0,keyasint"`                       // tasks at once
	Memory int64           `json:"memory,omitempty" cbor:"1,keyasint,omitempty"` // bytes of one task; 0 means the sandbox's default
	Wall   time.Duration   `json:"wall,omitempty" cbor:"2,keyasint,omitempty"`   // of one task; 0 means the sandbox's default
	Hours  string          `json:"hours,omitempty" cbor:"3,keyasint,omitempty"`  // "22:00-06:00", the lender's time; empty means always
	To     []moot.MemberID `json:"to,omitempty" cbor:"4,keyasint,omitempty"`     // none means all members
	Idle   bool            `json:"idle,omitempty" cbor:"5,keyasint,omitempty"`   // only while nobody else uses the processors
}

// Offer is the published terms of a device.
type Offer struct {
	Device moot.Key      `json:"device"`
	Member moot.MemberID `json:"member"` // whose device it is
	Terms
	Server bool     `json:"server,omitempty"` // one of the space's servers, or a worker beside them
	Addrs  []string `json:"addrs,omitempty"`  // HTTPS addresses, if it is not reached as a peer
	Zone   int      `json:"zone,omitempty"`   // seconds east of UTC
	Record *Record  `json:"record,omitempty"` // at the coordinator that was asked; nil: it has none
}

// offer is the body of an entry of kind offer.
type offer struct {
	Terms  `cbor:"0,keyasint"`
	Server bool     `cbor:"1,keyasint,omitempty"`
	Addrs  []string `cbor:"2,keyasint,omitempty"`
	Zone   int      `cbor:"3,keyasint,omitempty"` // seconds east of UTC
}

// MaxCPUs bounds the CPUs of one offer.
const MaxCPUs = 1024

// Check validates terms. Kind Invalid.
func (t Terms) Check() error {
	if t.CPUs < 0 || t.CPUs > MaxCPUs || t.Memory < 0 || t.Wall < 0 {
		return moot.Errorf(moot.Invalid, "terms must lend 0 to %d CPUs, and nothing negative", MaxCPUs)
	}
	if t.Hours == "" {
		return nil
	}
	_, _, err := parseHours(t.Hours)
	return err
}

// Allow fails if the terms exclude a member or the hour; now is in the lender's time zone.
// Kind Denied.
func (t Terms) Allow(member moot.MemberID, now time.Time) error {
	switch {
	case t.CPUs <= 0:
		return moot.Errorf(moot.Denied, "this node lends no computing power")
	case len(t.To) > 0 && !slices.Contains(t.To, member):
		return moot.Errorf(moot.Denied, "this node does not lend to %s", member.Short())
	case t.Hours == "":
		return nil
	}
	from, to, err := parseHours(t.Hours)
	if err != nil {
		return err
	}
	at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute
	open := at >= from && at < to
	if from > to { // over midnight
		open = at >= from || at < to
	}
	if !open {
		return moot.Errorf(moot.Denied, "this node lends from %s only", t.Hours)
	}
	return nil
}

// parseHours reads "22:00-06:00" as times since midnight.
func parseHours(s string) (from, to time.Duration, err error) {
	a, b, ok := strings.Cut(s, "-")
	for i, text := range []string{a, b} {
		at, bad := time.Parse("15:04", strings.TrimSpace(text))
		if bad != nil || !ok {
			return 0, 0, moot.Errorf(moot.Invalid, "%.40q is not a range of hours (want, for example, 22:00-06:00)", s)
		}
		d := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
		if i == 0 {
			from = d
		} else {
			to = d
		}
	}
	if from == to {
		return 0, 0, moot.Errorf(moot.Invalid, "%.40q is an empty range of hours (for always, leave the hours out)", s)
	}
	return from, to, nil
}

// offerOf reads an entry of kind offer. Kinds Invalid, Stranger.
func offerOf(e moot.Entry, member memberOf) (Offer, error) {
	lender, known := member(e.Author)
	if !known {
		return Offer{}, moot.Errorf(moot.Stranger, "the offer is by a device of no member")
	}
	var b offer
	if err := decode(e.Body, &b); err != nil {
		return Offer{}, err
	}
	if e.Key != e.Author.String() || b.Check() != nil || len(b.Addrs) > 16 || b.Zone < -24*3600 || b.Zone > 24*3600 {
		return Offer{}, moot.Errorf(moot.Invalid, "not an offer")
	}
	return Offer{Device: e.Author, Member: lender, Terms: b.Terms, Server: b.Server, Addrs: b.Addrs, Zone: b.Zone}, nil
}

// Offers returns the offers in feeds, one for each device; member returns whose it is.
func Offers(ctx context.Context, feeds moot.Feeds, member func(device moot.Key) (moot.MemberID, bool)) (list []Offer, err error) {
	for e, err := range feeds.Query(ctx, moot.Query{Kind: moot.KindOffer}) {
		if err != nil {
			return nil, moot.Wrap("read the offers", err)
		}
		if o, err := offerOf(e, member); err == nil && !slices.ContainsFunc(list, func(other Offer) bool { return other.Device == o.Device }) {
			list = append(list, o)
		}
	}
	return list, nil
}

// Open reports whether the offer is open to a member now.
func (o Offer) Open(member moot.MemberID, now time.Time) bool {
	return o.Allow(member, now.In(time.FixedZone("", o.Zone))) == nil
}

// Announce publishes the offer of a device, which signs it, unless it is published already.
// An offer without CPUs retracts the one before.
func Announce(ctx context.Context, feeds moot.Feeds, write sign.Writer, o Offer) error {
	key := o.Device.String()
	var body []byte
	if o.CPUs > 0 {
		var err error
		if body, err = encode(offer{o.Terms, o.Server, o.Addrs, o.Zone}); err != nil {
			return err
		}
	}
	var replaces []moot.EntryID
	for e, err := range feeds.Query(ctx, moot.Query{Kind: moot.KindOffer, Key: key}) {
		if err != nil {
			return moot.Wrap("read the offer", err)
		}
		if string(e.Body) == string(body) {
			return nil
		}
		replaces = append(replaces, e.ID)
	}
	if body == nil && len(replaces) == 0 {
		return nil
	}
	_, err := sign.One(ctx, write, moot.Merge, sign.Statement{Kind: moot.KindOffer, Key: key, Replaces: replaces, Body: body})
	return moot.Wrap("announce the offer", err)
}

// Lenders returns the offers that are open to a member now, of servers, peers or both.
// isServer reports whether a device has the role of a server: an offer alone does not give it.
func Lenders(offers []Offer, member moot.MemberID, via moot.Architecture, isServer func(moot.Key) bool, now time.Time) (list []Offer) {
	for _, o := range offers {
		server := o.Server && isServer(o.Device)
		if o.Server != server || server && !via.Server || !server && !via.Peers || !o.Open(member, now) {
			continue
		}
		list = append(list, o)
	}
	return list
}
