package seal_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

func TestSealed(t *testing.T) {
	ann, bob, eve := seal.NewKey(), seal.NewKey(), seal.NewKey()
	text := bytes.Repeat([]byte("the meeting is at noon "), 10_000)
	sealed := sealTo(t, text, seal.Public(ann), seal.Public(bob))
	if bytes.Contains(sealed, []byte("meeting")) {
		t.Error("the text can be read without a key")
	}
	for name, key := range map[string][]byte{"ann": ann, "bob": bob} {
		r, err := seal.Decrypt(bytes.NewReader(sealed), seal.Device(key))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s read %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := seal.Decrypt(bytes.NewReader(sealed), seal.Device(eve)); moot.KindOf(err) != moot.Denied {
		t.Errorf("eve: %v", err)
	}
}

func TestDamagedSeals(t *testing.T) {
	key := seal.NewKey()
	sealed := sealTo(t, bytes.Repeat([]byte("x"), 200_000), seal.Public(key))
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)/2] ^= 1
	for name, b := range map[string][]byte{
		"empty": {}, "not sealed": []byte("hello\n"), "cut short": sealed[:len(sealed)-70_000], "flipped": flipped,
		"endless header": append([]byte("age-encryption.org/v1\n"), bytes.Repeat([]byte("-> x y\nAAAA\n"), 1<<20)...),
	} {
		r, err := seal.Decrypt(bytes.NewReader(b), seal.Device(key))
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if moot.KindOf(err) != moot.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func sealTo(t *testing.T, text []byte, to ...moot.Key) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := seal.Encrypt(&b, seal.ToDevices(to...)...)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
