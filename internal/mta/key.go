package mta

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// Algorithm is the type of a DKIM key.
type Algorithm string

const (
	Ed25519 Algorithm = "ed25519" // not yet verified everywhere, so sign with RSA, too
	RSA     Algorithm = "rsa"     // of 2048 bits (RFC 8301)
)

// LoadKey returns the private key in a file (PKCS #8, PEM), and creates both, durably,
// if the file does not exist. Kinds: Corrupt if the file is malformed, Invalid for an
// unknown algorithm.
func LoadKey(path string, a Algorithm) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path, a)
	}
	if err != nil {
		return nil, moot.Wrap("DKIM key", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, moot.Errorf(moot.Corrupt, "DKIM key: %s is not a PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, moot.Errorf(moot.Corrupt, "DKIM key: %s: %w", path, err)
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *rsa.PrivateKey:
		return key, nil
	}
	return nil, moot.Errorf(moot.Corrupt, "DKIM key: %s has a %T", path, key)
}

func makeKey(path string, a Algorithm) (key crypto.Signer, err error) {
	switch a {
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = moot.Errorf(moot.Invalid, "unknown algorithm %q", a)
	}
	if err != nil {
		return nil, moot.Wrap("DKIM key", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, moot.Wrap("DKIM key", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return key, moot.Wrap("DKIM key", writeNew(path, text))
}

// writeNew creates a file atomically, readable by its owner only.
func writeNew(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}
