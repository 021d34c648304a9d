package trust

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/mootspace/moot"
)

func bodies() map[string]any {
	id, key := testID(1), testKey(1)
	return map[string]any{
		KindSpace:    Space{Name: "home"},
		KindInvite:   Invite{Key: key, Role: Admin, Uses: 3, Expires: 9, By: []moot.MemberID{{1}}},
		KindWithdraw: Withdraw{Invite: id},
		KindJoin:     Join{Invite: id, Proof: make([]byte, 64), Name: "Ann", Label: "laptop"},
		KindWitness:  Witness{Admits: []Admission{{Join: id, Aloud: true}}, Confirms: []moot.EntryID{id}, Feeds: []Mark{{key, 4, id}}, State: make([]byte, 32), Snapshot: moot.BlobID{1}},
		KindRole:     RoleBody{Member: moot.MemberID{1}, Pins: []Mark{{key, 4, id}}, Strict: true},
		KindDevice:   Device{Device: id},
		KindRetire:   Retire{Heir: key},
		KindRename:   Rename{Name: "Bob"},
		KindAnnul:    Annul{Act: id, Line: 1},
		KindMailbox:  Mailbox{Generation: 1, Public: "age1", Devices: []moot.Key{key}, Sealed: []byte{1}},
		KindAdopt:    Adopt{Members: []AdoptedMember{{Key: key, Role: Founder, Name: "Ann"}}, Invites: []AdoptedInvitation{{testKey(2), Guest, 1, 0}}},
	}
}

func TestBodies(t *testing.T) {
	for kind, body := range bodies() {
		b, err := Encode(body)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if got, err := Decode(kind, b); err != nil || !reflect.DeepEqual(got, body) {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
		if _, err := Decode(kind, append(b, 0)); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s with a byte more: %v", kind, err)
		}
	}
	if got, err := Decode("later", []byte{0xff}); got != nil || err != nil {
		t.Errorf("an unknown kind: %v, %v", got, err)
	}
}

// TestBodyVectors pins the bytes of bodies: every version has to write the same.
func TestBodyVectors(t *testing.T) {
	id, key := moot.EntryID{1}, moot.Key{2}
	zeros := func(n int) string { return hex.EncodeToString(make([]byte, n)) }
	first, second := "582001"+zeros(31), "582002"+zeros(31)
	for want, body := range map[string]any{
		"a10063416e6e": Space{Name: "Ann"},
		"a300" + second + "01656775657374" + "0201": Invite{Key: key, Role: Guest, Uses: 1},
		"a400" + second + "020105" + first + "06f5": Invite{Key: key, Uses: 1, For: moot.MemberID(id), Recovery: true},
		"a104" + first: Join{Retire: id},
		"a2008" + "1a100" + first + "0281a300" + second + "010502" + first: Witness{Admits: []Admission{{Join: id}}, Feeds: []Mark{{key, 5, id}}},
		"a0":                    Witness{},
		"a100" + first:          RoleBody{Member: moot.MemberID(id)},
		"a200" + first + "0102": Annul{Act: id, Line: 2},
		"a1008183" + second + "67666f756e64657263416e6e": Adopt{Members: []AdoptedMember{{Key: key, Role: Founder, Name: "Ann"}}},
	} {
		got, err := Encode(body)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%+v: %x, %v, want %s", body, got, err, want)
		}
	}
}

func TestBodyForm(t *testing.T) {
	id, key := testID(1), testKey(1)
	for name, body := range map[string]any{
		"space without a name":          Space{},
		"invitation without a key":      Invite{Role: Guest, Uses: 1},
		"invitation without uses":       Invite{Key: key, Role: Guest},
		"invitation of a founder":       Invite{Key: key, Role: Founder, Uses: 1},
		"invitation for nothing":        Invite{Key: key, Uses: 1},
		"long device of a founder":      Space{Name: "home", Label: string(bytes.Repeat([]byte("a"), 65))},
		"mailbox keys for nobody":       Invite{Key: key, Uses: 1, Role: Guest, Sealed: []byte{1}},
		"invitation for a role as well": Invite{Key: key, Uses: 1, Role: Guest, For: moot.MemberID{1}},
		"recovery code of nobody":       Invite{Key: key, Uses: 1, Role: Guest, Recovery: true},
		"join by nothing":               Join{},
		"join by both":                  Join{Invite: id, Retire: id, Proof: make([]byte, 64)},
		"join without a proof":          Join{Invite: id, Name: "Ann"},
		"heir with a name":              Join{Retire: id, Name: "Ann"},
		"long label":                    Join{Retire: id, Label: string(bytes.Repeat([]byte("a"), 65))},
		"short state hash":              Witness{State: []byte{1}},
		"feeds out of order":            Witness{Feeds: []Mark{{moot.Key{2}, 1, id}, {moot.Key{1}, 1, id}}},
		"a device twice":                Witness{Feeds: []Mark{{key, 1, id}, {key, 2, id}}},
		"role of nobody":                RoleBody{Role: Guest},
		"unknown role":                  RoleBody{Member: moot.MemberID{1}, Role: "king"},
		"no device":                     Device{},
		"no heir":                       Retire{},
		"name of punctuation":           Rename{Name: "..."},
		"name that turns the text":      Rename{Name: "a\u202eb"},
		"nothing annulled":              Annul{},
		"generation 0":                  Mailbox{Public: "age1", Devices: []moot.Key{key}, Sealed: []byte{1}},
		"adoption without a founder":    Adopt{Members: []AdoptedMember{{Key: key, Role: Owner}}},
		"two founders":                  Adopt{Members: []AdoptedMember{{Key: key, Role: Founder}, {Key: testKey(2), Role: Founder}}},
	} {
		if _, err := Encode(body); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStrictBodies: two encodings of one body would let two readers differ.
func TestStrictBodies(t *testing.T) {
	for name, in := range map[string]string{
		"a field more":      "a20063416e6e0101",
		"an empty field":    "a20063416e6e01f6",
		"a long length":     "a1007803416e6e",
		"not sorted":        "a20102005820" + hex.EncodeToString(make([]byte, 32)),
		"a short ID":        "a10041aa",
		"an indefinite map": "bf0063416e6eff",
		"nothing":           "",
	} {
		for _, kind := range []string{KindSpace, KindRename, KindAnnul, KindWithdraw} {
			b, err := hex.DecodeString(in)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := Decode(kind, b); moot.KindOf(err) != moot.Invalid {
				t.Errorf("%s as %s: %v, %v", name, kind, got, err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for kind, body := range bodies() {
		b, err := Encode(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, b)
	}
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		body, err := Decode(kind, b)
		if err != nil || body == nil {
			return
		}
		if again, err := Encode(body); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%+v is encoded as %x, %v, not %x", body, again, err, b)
		}
	})
}

func TestMailForm(t *testing.T) {
	for a, b := range map[string]string{
		"Ann":     "ann",
		"A. n-n_": "ann",
		"Zoë":     "zoe",
		"ｗｉｄｅ":    "wide",
		"рауреr":  "paypeг", // Cyrillic р, а, у, е against Latin, г against r
		"Rοb":     "rob",    // Greek ο
		"bob0":    "bobo",
		"al":      "a1",
		"ﬁnn":     "finn",
		"straße":  "STRAßE",
	} {
		if MailForm(a) != MailForm(b) {
			t.Errorf("%q and %q differ: %q, %q", a, b, MailForm(a), MailForm(b))
		}
	}
	for a, b := range map[string]string{"ann": "anna", "rob": "bob", "李": "王", "x2": "x3"} {
		if MailForm(a) == MailForm(b) {
			t.Errorf("%q and %q are alike", a, b)
		}
	}
	if CheckName("李") != nil || CheckName("a b") != nil || CheckName("\n") == nil || CheckName("") == nil {
		t.Error("a name is not checked as it should be")
	}
}
