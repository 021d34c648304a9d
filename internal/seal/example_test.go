package seal_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// A message is sealed to two readers; another key does not open it.
func ExampleEncrypt() {
	ann, bob, eve := seal.NewKey(), seal.NewKey(), seal.NewKey()
	var sealed bytes.Buffer
	w, err := seal.Encrypt(&sealed, seal.ToDevices(seal.Public(ann), seal.Public(bob))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	io.WriteString(w, "the meeting is at noon")
	w.Close()
	r, err := seal.Decrypt(bytes.NewReader(sealed.Bytes()), seal.Device(bob))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := io.ReadAll(r)
	fmt.Println(string(text), err)
	_, err = seal.Decrypt(&sealed, seal.Device(eve))
	fmt.Println(moot.KindOf(err))
	// Output:
	// the meeting is at noon <nil>
	// denied
}

// A key is saved once, and never replaced.
func ExampleSaveKey() {
	dir, err := os.MkdirTemp("", "seal-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path, key := filepath.Join(dir, "key"), seal.NewKey()
	fmt.Println(seal.SaveKey(path, key))
	loaded, err := seal.LoadKey(path)
	fmt.Println(loaded.Equal(key), err)
	fmt.Println(moot.KindOf(seal.SaveKey(path, seal.NewKey())))
	// Output:
	// <nil>
	// true <nil>
	// conflict
}

// The key in a certificate is what a TLS client compares.
func ExampleCertificate() {
	key := seal.NewKey()
	cert, err := seal.Certificate(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := seal.KeyOf(leaf)
	fmt.Println(got == seal.Public(key), err)
	// Output: true <nil>
}
