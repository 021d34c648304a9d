// Package seal holds private keys: making and storing them, proving them in a TLS
// handshake, and sealing messages to them. It must not know who is a member or what a key may do.
package seal

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// NewKey makes a key (Ed25519, RFC 8032).
func NewKey() ed25519.PrivateKey {
	var seed [32]byte
	rand.Read(seed[:]) // never fails (crypto/rand)
	return FromSeed(seed)
}

// FromSeed returns the key of a seed, as in an invitation.
func FromSeed(seed [32]byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(seed[:]) }

// Public returns the name of a private key's holder.
func Public(key ed25519.PrivateKey) moot.Key { return moot.Key(key.Public().(ed25519.PublicKey)) }

const pemType = "PRIVATE KEY"

// SaveKey writes a key (PKCS #8, PEM) so that only its owner can read it, durably.
// It refuses, with kind Conflict, to replace one.
func SaveKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return moot.Errorf(moot.Internal, "encode the key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return moot.Errorf(moot.Conflict, "there is a key in %s already", path)
	}
	if err != nil {
		return moot.Errorf(moot.Internal, "save the key: %w", err)
	}
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = durable.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		os.Remove(path)
		return moot.Errorf(moot.Internal, "save the key: %w", err)
	}
	return nil
}

// LoadKey reads what SaveKey wrote. Kinds: NotFound, Invalid if it is no such key.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, moot.Errorf(moot.NotFound, "there is no key in %s", path)
	}
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "read the key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, moot.Errorf(moot.Invalid, "%s is damaged: it holds no private key", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, moot.Errorf(moot.Invalid, "%s is damaged: it holds no Ed25519 key", path)
	}
	return key, nil
}
