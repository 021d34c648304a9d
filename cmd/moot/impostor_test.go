package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mootspace/moot/internal/blob"
)

// freePort keeps a port that nobody listens on: port NAME
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port name")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// impostor listens on a port of 127.0.0.1 with a certificate for localhost that the system
// trusts from now on, takes everything and has nothing: impostor PORT FILE. The file lists
// the requests that it gets.
func impostor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: impostor port file")
	}
	cert, err := trustedCertificate()
	ts.Check(err)
	roots := ts.MkAbs("roots.pem")
	ts.Check(os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600))
	ts.Setenv("SSL_CERT_FILE", roots)
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", args[0]))
	ts.Check(err)
	taken := ts.MkAbs(args[1])
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := blob.Hash(r.Body)
			if err == nil {
				err = appendLine(taken, fmt.Sprintf("%s %s %d bytes\n", r.Method, r.URL.Path, b.Size))
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			pretend(w, path.Base(r.URL.Path), b.ID.String(), b.Size)
		}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = s.ServeTLS(ln, "", "") }()
	ts.Defer(func() { s.Close() })
}

// pretend responds as a server of any version that holds no entries and stores all.
func pretend(w http.ResponseWriter, route, id string, size int64) {
	switch route {
	case "vector":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	case "query", "watch":
		w.Header().Set("Content-Type", "application/cbor-seq")
	case "blobs":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%q,"size":%d}`, id, size)
	case "entries":
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind":"not-found"}`)
	}
}

func appendLine(name, line string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, strings.NewReader(line))
	return err
}

// trustedCertificate is a certificate for localhost that is its own authority.
func trustedCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
