package trust

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// Limits on what bodies hold, beside moot.MaxBody.
const (
	maxUses   = 1 << 20
	maxBy     = 64       // members who may admit
	maxLabel  = 64       // bytes of a device's name
	maxSealed = 62 << 10 // bytes of the sealed private halves of a mailbox
	maxLines  = 2048     // elements of any list
)

var decoder = cbor.NewDecoder(cbor.Limits{Elements: maxLines})

// Encode returns a body's bytes: deterministic CBOR. Kind Invalid if Decode would not take them.
func Encode(body any) ([]byte, error) {
	if v, ok := body.(interface{ form() error }); ok {
		if err := v.form(); err != nil {
			return nil, moot.Wrap("encode an act", err)
		}
	}
	b, err := cbor.Marshal(body)
	if err == nil && len(b) > moot.MaxBody {
		err = moot.Errorf(moot.TooLarge, "an act of %d bytes, more than %d", len(b), moot.MaxBody)
	}
	return b, moot.Wrap("encode an act", err)
}

// Decode reads the body of an act of the kind. It takes exactly what Encode writes, so that
// a body means the same to every reader; nil if the kind is unknown. Kind Invalid.
func Decode(kind string, b []byte) (any, error) {
	switch kind {
	case KindSpace:
		return decode[Space](b)
	case KindInvite:
		return decode[Invite](b)
	case KindWithdraw:
		return decode[Withdraw](b)
	case KindJoin:
		return decode[Join](b)
	case KindWitness:
		return decode[Witness](b)
	case KindRole:
		return decode[RoleBody](b)
	case KindDevice:
		return decode[Device](b)
	case KindRetire:
		return decode[Retire](b)
	case KindRename:
		return decode[Rename](b)
	case KindAnnul:
		return decode[Annul](b)
	case KindMailbox:
		return decode[Mailbox](b)
	case KindAdopt:
		return decode[Adopt](b)
	}
	return nil, nil //nolint:nilnil // an unknown kind is no error: the act is dead
}

func decode[T interface{ form() error }](b []byte) (any, error) {
	var body T
	if len(b) > moot.MaxBody {
		return nil, moot.Errorf(moot.TooLarge, "an act of %d bytes", len(b))
	}
	if err := decoder.Unmarshal(b, &body); err != nil {
		return nil, moot.Errorf(moot.Invalid, "a damaged act: %w", err)
	}
	if err := body.form(); err != nil {
		return nil, err
	}
	if again, err := cbor.Marshal(body); err != nil || !bytes.Equal(again, b) {
		return nil, moot.Errorf(moot.Invalid, "an act that is not encoded as it has to be")
	}
	return body, nil
}

func invalid(format string, args ...any) error { return moot.Errorf(moot.Invalid, format, args...) }

// given reports whether a role can be given.
func (r Role) given() bool { return r.Rank() > 0 && r != Founder }

func (b Space) form() error {
	if err := labelForm(b.Label); err != nil {
		return err
	}
	return CheckName(b.Name)
}

// labelForm checks a device's name.
func labelForm(label string) error {
	if len(label) > maxLabel || !utf8.ValidString(label) {
		return invalid("a device's name is longer than %d bytes", maxLabel)
	}
	return nil
}

func (b Invite) form() error {
	device := !b.For.IsZero()
	switch {
	case b.Key.IsZero() || b.Uses < 1 || b.Uses > maxUses || b.Expires < 0 || len(b.By) > maxBy:
		return invalid("an invitation without a key, or beyond a limit")
	case device && b.Role != "" || !device && (!b.Role.given() || b.Recovery):
		return invalid("an invitation that is neither for a new member nor for a device")
	case len(b.Sealed) > maxSealed || !device && len(b.Sealed) > 0:
		return invalid("an invitation with mailbox keys for nobody, or too many")
	}
	return nil
}

func (b Withdraw) form() error {
	if b.Invite == (moot.EntryID{}) {
		return invalid("a withdrawal of nothing")
	}
	return nil
}

func (b Join) form() error {
	heir := b.Retire != (moot.EntryID{})
	switch {
	case heir == (b.Invite != moot.EntryID{}):
		return invalid("a join by neither an invitation nor a device before it")
	case heir && (len(b.Proof) > 0 || b.Name != "") || !heir && len(b.Proof) != 64:
		return invalid("a join without its proof")
	case b.Name != "" && CheckName(b.Name) != nil:
		return CheckName(b.Name)
	}
	return labelForm(b.Label)
}

func (b Witness) form() error {
	if len(b.State) != 0 && len(b.State) != 32 {
		return invalid("a state hash of %d bytes", len(b.State))
	}
	return marksForm(b.Feeds)
}

func (b RoleBody) form() error {
	if b.Member.IsZero() || b.Role != "" && !b.Role.given() {
		return invalid("no role that can be given, or nobody to have it")
	}
	return marksForm(b.Pins)
}

func (b Device) form() error {
	if b.Device == (moot.EntryID{}) {
		return invalid("no device to put out")
	}
	return marksForm(b.Pins)
}

func (b Retire) form() error {
	if b.Heir.IsZero() {
		return invalid("a device that retires has an heir")
	}
	return nil
}

func (b Rename) form() error { return CheckName(b.Name) }

func (b Annul) form() error {
	if b.Act == (moot.EntryID{}) || b.Line < 0 || b.Line > maxLines {
		return invalid("nothing to annul")
	}
	return nil
}

func (b Mailbox) form() error {
	bad := b.Generation == 0 || len(b.Public) == 0 || len(b.Public) > 128 ||
		len(b.Sealed) == 0 || len(b.Sealed) > maxSealed || len(b.Devices) == 0 || len(b.Devices) > MaxDevices
	for i := 1; i < len(b.Devices); i++ {
		bad = bad || bytes.Compare(b.Devices[i-1][:], b.Devices[i][:]) >= 0
	}
	if bad {
		return invalid("a mailbox key beyond a limit, or sealed to devices out of order")
	}
	return nil
}

func (b Adopt) form() error {
	seen := map[moot.Key]bool{}
	for i, m := range b.Members {
		switch {
		case m.Key.IsZero() || seen[m.Key] || (i == 0) != (m.Role == Founder) || m.Role != "" && m.Role.Rank() == 0:
			return invalid("member %d of an adoption is there twice, or has no role that it can have", i)
		case len(m.Name) > MaxName || !utf8.ValidString(m.Name):
			return invalid("the name of member %d of an adoption", i)
		}
		seen[m.Key] = true
	}
	for i, v := range b.Invites {
		if v.Key.IsZero() || seen[v.Key] || !v.Role.given() || v.Uses < 1 || v.Uses > maxUses || v.Expires < 0 {
			return invalid("invitation %d of an adoption", i)
		}
		seen[v.Key] = true
	}
	if len(b.Members) == 0 {
		return invalid("an adoption without a founder")
	}
	return marksForm(b.Feeds)
}

// marksForm checks that marks are sorted by device, each at most once.
func marksForm(list []Mark) error {
	sorted := slices.IsSortedFunc(list, func(a, b Mark) int { return bytes.Compare(a.Device[:], b.Device[:]) })
	for i, m := range list {
		if !sorted || i > 0 && list[i-1].Device == m.Device || m.ID == (moot.EntryID{}) {
			return invalid("pins or feeds out of order")
		}
	}
	return nil
}
