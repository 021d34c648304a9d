package seal_test

import (
	"bytes"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/seal"
)

func TestKeysForDevices(t *testing.T) {
	laptop, invitation, thief := seal.NewKey(), seal.NewKey(), seal.NewKey()
	generations := []seal.Mailbox{seal.NewMailbox(), seal.NewMailbox(), seal.NewMailbox()}
	sealed, err := seal.SealKeys(generations, seal.ToDevices(seal.Public(laptop), seal.Public(invitation))...)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []seal.Device{seal.Device(laptop), seal.Device(invitation)} {
		got, err := seal.OpenKeys(sealed, key)
		if err != nil || len(got) != len(generations) {
			t.Fatalf("opened %v, %v", got, err)
		}
		for i, m := range got {
			if m.Public() != generations[i].Public() || m.Secret() != generations[i].Secret() {
				t.Errorf("generation %d is another one", i+1)
			}
		}
	}
	for i, m := range generations { // as does a device that reads the history
		text := sealWith(t, noon, seal.ToMailbox(m.Public()))
		if got, err := open(text, generations[2], generations[1], generations[0]); err != nil || got != noon {
			t.Errorf("a message of generation %d: %q, %v", i+1, got, err)
		}
	}
	if _, err := seal.OpenKeys(sealed, seal.Device(thief)); moot.KindOf(err) != moot.Denied {
		t.Errorf("another device: %v", err)
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := seal.OpenKeys(sealed, seal.Device(laptop)); moot.KindOf(err) != moot.Corrupt {
		t.Errorf("damaged: %v", err)
	}
}

func TestManyGenerations(t *testing.T) {
	device := seal.NewKey()
	to := make([]seal.Recipient, 33) // all devices of a member, and a new one
	for i := range to {
		to[i] = seal.ToDevice(seal.Public(seal.NewKey()))
	}
	to[32] = seal.ToDevice(seal.Public(device))
	one := seal.NewMailbox()
	most := make([]seal.Mailbox, seal.MaxGenerations)
	for i := range most {
		most[i] = one
	}
	sealed, err := seal.SealKeys(most, to...)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := seal.OpenKeys(sealed, seal.Device(device)); err != nil || len(got) != len(most) {
		t.Errorf("%d generations, %v", len(got), err)
	}
	if _, err := seal.SealKeys(append(most, one), to...); moot.KindOf(err) != moot.TooLarge {
		t.Errorf("one more: %v", err)
	}
}

func TestBadKeys(t *testing.T) {
	device := seal.NewKey()
	to := seal.ToDevice(seal.Public(device))
	for _, none := range [][]seal.Mailbox{nil, {{}}} {
		if _, err := seal.SealKeys(none, to); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%d keys that are none: %v", len(none), err)
		}
	}
	type ring struct {
		Secrets []string `cbor:"0,keyasint"`
	}
	many := make([]string, seal.MaxGenerations+1)
	for name, v := range map[string]any{
		"no keys":   ring{},
		"no key":    ring{[]string{"AGE-SECRET-KEY-1"}},
		"a public":  ring{[]string{seal.NewMailbox().Public().String()}},
		"too many":  ring{many},
		"no record": "hello",
	} {
		plain, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := seal.OpenKeys(sealWith(t, string(plain), to), seal.Device(device)); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	large := make([]byte, seal.MaxSealedKeys+1)
	if _, err := seal.OpenKeys(large, seal.Device(device)); moot.KindOf(err) != moot.TooLarge {
		t.Errorf("a large one: %v", err)
	}
}

// FuzzOpenKeys opens its input as it is, and as what an attacker sealed to the device.
func FuzzOpenKeys(f *testing.F) {
	device := seal.FromSeed([32]byte{1})
	to := seal.ToDevice(seal.Public(device))
	sealed, err := seal.SealKeys([]seal.Mailbox{seal.NewMailbox()}, to)
	if err != nil {
		f.Fatal(err)
	}
	plain, err := cbor.Marshal(map[int][]string{0: {seal.NewMailbox().Secret()}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(plain)
	f.Add([]byte{0xa1, 0, 0x80})
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, sealed := range [][]byte{in, sealWith(t, string(in), to)} {
			got, err := seal.OpenKeys(sealed, seal.Device(device))
			if err != nil {
				if k := moot.KindOf(err); k == moot.Internal {
					t.Fatal(err)
				}
				continue
			}
			again, err := seal.SealKeys(got, to)
			if err != nil {
				t.Fatal(err)
			}
			back, err := seal.OpenKeys(again, seal.Device(device))
			if err != nil || len(back) != len(got) || !bytes.Equal([]byte(back[0].Secret()), []byte(got[0].Secret())) {
				t.Fatalf("%v became %v, %v", got, back, err)
			}
		}
	})
}
