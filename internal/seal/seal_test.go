package seal_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

func TestKeysAreSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	key := seal.NewKey()
	if err := seal.SaveKey(path, key); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the key: %v", info.Mode())
	}
	got, err := seal.LoadKey(path)
	if err != nil || !got.Equal(key) {
		t.Errorf("read back: %v", err)
	}
	if err := seal.SaveKey(path, seal.NewKey()); moot.KindOf(err) != moot.Conflict {
		t.Errorf("a key was replaced: %v", err)
	}
	if got, _ := seal.LoadKey(path); !got.Equal(key) {
		t.Error("the first key is gone")
	}
}

func TestBadKeyFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := seal.LoadKey(filepath.Join(dir, "none")); moot.KindOf(err) != moot.NotFound {
		t.Errorf("no file: %v", err)
	}
	for name, text := range map[string]string{
		"empty":   "",
		"garbage": "garbage",
		"no key":  "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.LoadKey(path); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCertificateHoldsTheKey(t *testing.T) {
	key := seal.NewKey()
	cert, err := seal.Certificate(key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := seal.KeyOf(parsed); err != nil || got != seal.Public(key) {
		t.Errorf("key %v, %v", got, err)
	}
}
