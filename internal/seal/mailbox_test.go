package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

const noon = "the meeting is at noon"

func sealWith(t testing.TB, text string, to ...seal.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := seal.Encrypt(&b, to...)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(sealed []byte, ids ...seal.Identity) (string, error) {
	r, err := seal.Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestSealedToMailboxes(t *testing.T) {
	device, first, second, eve := seal.NewKey(), seal.NewMailbox(), seal.NewMailbox(), seal.NewMailbox()
	sealed := sealWith(t, noon, seal.ToMailbox(first.Public()), seal.ToDevice(seal.Public(device)))
	for name, ids := range map[string][]seal.Identity{
		"its mailbox":              {first},
		"its device":               {seal.Device(device)},
		"an older generation":      {second, first},
		"a device without mailbox": {second, seal.Device(device)},
	} {
		if got, err := open(sealed, ids...); err != nil || got != noon {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, ids := range map[string][]seal.Identity{
		"a later generation": {second},
		"another member":     {eve, seal.Device(seal.NewKey())},
		"nobody":             {},
	} {
		if got, err := open(sealed, ids...); moot.KindOf(err) != moot.Denied {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := open(sealed, seal.Mailbox{}); err == nil {
		t.Error("the zero mailbox opened a seal")
	}
}

// TestSealsOfVersion010 holds a seal that version 0.1.0 made.
func TestSealsOfVersion010(t *testing.T) {
	const old = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNzaC1lZDI1NTE5IDQralRHdyBtNndsdmZIaTV4UkJCZmdIVEtTQWZyelFNdFpaeERSTldPcjFIN3pqTVRVCmkyOU51WTN3QVNLRnlJMXEvREJMRXBwV1I4bExoVGRjQ2g2a2VLUmNzak0KLT4gc3NoLWVkMjU1MTkgKzdNcDN3IGx2anUrV0M4QzhvZk05T1pWRDVXcStnL0djMTdZdHFka3pqSi9YYXMzM0kKRTQ1TnVYeXl6Rzk0UUpQM1hpRmtsdGVORHZ1RGFuQWd2QWZQZlljNFptWQotLS0gNm1NZitNVUtFRlB3Z0Raenp0ZVBhRXRHK3ZnSVZIOEYyVTQxKzdKaXcyQQr3tipLPo5mDXhQ6qMBJT1HC2fim+4GF7R/2O7j0ztutwRbUsTwX6h2y+X5/rdXU0AauZmJWeo="
	sealed, err := base64.StdEncoding.DecodeString(old)
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []byte{1, 2} {
		if got, err := open(sealed, seal.NewMailbox(), seal.Device(seal.FromSeed([32]byte{seed}))); err != nil || got != noon {
			t.Errorf("device %d: %q, %v", seed, got, err)
		}
	}
	if _, err := open(sealed, seal.Device(seal.FromSeed([32]byte{3}))); moot.KindOf(err) != moot.Denied {
		t.Errorf("another device: %v", err)
	}
}

// TestAgeOpensMailboxes fails if what is sealed is no age file for the key that is shown.
func TestAgeOpensMailboxes(t *testing.T) {
	m := seal.NewMailbox()
	identity, err := age.ParseX25519Identity(m.Secret())
	if err != nil || identity.Recipient().String() != m.Public().String() {
		t.Fatalf("age reads %v as %v, %v", m, identity.Recipient(), err)
	}
	r, err := age.Decrypt(bytes.NewReader(sealWith(t, noon, seal.ToMailbox(m.Public()))), identity)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != noon {
		t.Errorf("age read %q, %v", got, err)
	}
}

func TestMailboxKeysAsText(t *testing.T) {
	m := seal.NewMailbox()
	k := m.Public()
	if got, err := seal.ParseMailboxKey(k.String()); err != nil || got != k {
		t.Errorf("%v read back: %v, %v", k, got, err)
	}
	if got, err := seal.ParseMailbox(m.Secret()); err != nil || got.Public() != k {
		t.Errorf("%v read back: %v, %v", m, got, err)
	}
	text, err := json.Marshal(map[string]seal.MailboxKey{"key": k})
	var back map[string]seal.MailboxKey
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || back["key"] != k {
		t.Errorf("%s read back: %v, %v", text, back, err)
	}
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		if s := fmt.Sprintf(verb, m); strings.Contains(s, m.Secret()) || strings.Contains(s, "AGE-SECRET") {
			t.Errorf("%s prints the private half: %s", verb, s)
		}
	}
	if (seal.Mailbox{}).Secret() != "" || !(seal.Mailbox{}).Public().IsZero() || k.IsZero() {
		t.Error("the zero mailbox has a key")
	}
}

func TestBadMailboxKeys(t *testing.T) {
	m := seal.NewMailbox()
	key, secret := m.Public().String(), m.Secret()
	swapped := key[:10] + key[11:12] + key[10:11] + key[12:]
	if swapped == key {
		swapped = key[:10] + "qqqqqqqq" + key[18:]
	}
	for _, bad := range []string{"", "age1", key[:len(key)-1], key + "q", swapped, secret, seal.MailboxKey{}.String(), seal.MailboxKey{1}.String()} {
		if got, err := seal.ParseMailboxKey(bad); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q is the key %v, %v", bad, got, err)
		}
	}
	for _, bad := range []string{"", key, secret[:len(secret)-1], secret + "Q"} {
		got, err := seal.ParseMailbox(bad)
		if moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q is the mailbox of %v, %v", bad, got, err)
		}
		if len(bad) > 0 && strings.Contains(err.Error(), bad) {
			t.Errorf("the error has the private half: %v", err)
		}
	}
}

// TestWeakRecipients fails if a point of small order, on which everybody agrees, is
// sealed to.
func TestWeakRecipients(t *testing.T) {
	good := seal.ToDevice(seal.Public(seal.NewKey()))
	for name, weak := range map[string]seal.Recipient{
		"mailbox 0":         seal.ToMailbox(seal.MailboxKey{}),
		"mailbox 1":         seal.ToMailbox(seal.MailboxKey{1}),
		"device of order 1": seal.ToDevice(moot.Key{1}),
		"device, no point":  seal.ToDevice(moot.Key{2}),
	} {
		_, err := seal.Encrypt(io.Discard, good, weak)
		if moot.KindOf(err) != moot.Invalid || !strings.Contains(err.Error(), weak.String()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (seal.MailboxKey{}).Check(); moot.KindOf(err) != moot.Invalid {
		t.Errorf("the zero key: %v", err)
	}
	if err := seal.NewMailbox().Public().Check(); err != nil {
		t.Errorf("a good key: %v", err)
	}
}

func TestManyRecipients(t *testing.T) {
	last, other := seal.NewMailbox(), seal.ToDevice(seal.Public(seal.NewKey()))
	to := make([]seal.Recipient, seal.MaxRecipients)
	for i := range to {
		to[i] = other
	}
	to[len(to)-1] = seal.ToMailbox(last.Public())
	if got, err := open(sealWith(t, noon, to...), last); err != nil || got != noon {
		t.Errorf("the last of %d: %q, %v", len(to), got, err)
	}
	if _, err := seal.Encrypt(io.Discard, append(to, to[0])...); moot.KindOf(err) != moot.TooLarge {
		t.Errorf("more recipients than can be opened: %v", err)
	}
}

func FuzzParseMailboxKey(f *testing.F) {
	f.Add(seal.NewMailbox().Public().String())
	f.Add(seal.MailboxKey{}.String())
	f.Add("age1")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := seal.ParseMailboxKey(s)
		if err != nil {
			if moot.KindOf(err) != moot.Invalid {
				t.Fatal(err)
			}
			return
		}
		if k.String() != strings.ToLower(s) {
			t.Fatalf("%q is %v", s, k)
		}
	})
}
