package seal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// hostYears is the validity of a host's certificate.
const hostYears = 10

// HostCertificate returns the self-signed certificate in a file, for programs that verify
// host names instead of keys and are configured to trust it. It is made, durably, if
// there is none, or none for all the names: host names and IP addresses.
func HostCertificate(path string, names ...string) (tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(path, path)
	if err == nil && !slices.ContainsFunc(names, func(n string) bool { return cert.Leaf.VerifyHostname(n) != nil }) {
		return cert, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cert, moot.Errorf(moot.Corrupt, "the certificate in %s: %w", path, err)
	}
	text, err := makeHostCertificate(names)
	if err == nil {
		err = replace(path, text)
	}
	if err == nil {
		cert, err = tls.X509KeyPair(text, text)
	}
	return cert, moot.Wrap("make a certificate", err)
}

func makeHostCertificate(names []string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // not all mail programs support Ed25519
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(hostYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, // so that it can be its own certificate authority
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: private})...), nil
}

// replace writes a file atomically, readable by its owner only.
func replace(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = durable.SyncFolder(filepath.Dir(path))
	}
	return err
}
