package seal

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	"github.com/mootspace/moot"
)

// Certificate makes a self-signed certificate (X.509, RFC 5280) over the key, for
// clients that know the key and need no certificate authority. Its dates mean nothing:
// trust is in the key.
func Certificate(key ed25519.PrivateKey) (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: Public(key).String()},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // "no expiry", RFC 5280, 4.1.2.5
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, moot.Errorf(moot.Internal, "make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// KeyOf returns the key of a certificate. The handshake proves that the other side holds
// it. Kind Invalid for a key of another type.
func KeyOf(cert *x509.Certificate) (moot.Key, error) {
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return moot.Key{}, moot.Errorf(moot.Invalid, "the certificate holds no Ed25519 key")
	}
	return moot.Key(key), nil
}
