package link

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// ServeTLS serves HTTPS (TLS 1.3, RFC 8446) on ln until ctx ends. The node's certificate
// is over its own key, which members have pinned; clients that name a host for which
// cert is valid get cert instead (nil: none). Clients prove their own key by a
// certificate of the same kind.
func ServeTLS(ctx context.Context, ln net.Listener, key ed25519.PrivateKey, cert *tls.Certificate, h http.Handler, logger *slog.Logger) error {
	own, err := seal.Certificate(key)
	if err != nil {
		return err
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequestClientCert, // no authority to check against: only the key counts
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if cert != nil && hello.ServerName != "" && hello.SupportsCertificate(cert) == nil {
				return cert, nil
			}
			return &own, nil
		},
	}
	srv := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r.WithContext(withTLSCaller(r))) }),
		ErrorLog: log.New(debugWriter{orDiscard(logger)}, "", 0),
	}
	return serve(ctx, tls.NewListener(ln, cfg), srv)
}

// withTLSCaller sets the caller to the key that the handshake has proven.
func withTLSCaller(r *http.Request) context.Context {
	ctx := r.Context()
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ctx
	}
	key, err := seal.KeyOf(r.TLS.PeerCertificates[0])
	if err != nil {
		return ctx
	}
	return moot.WithCaller(ctx, key)
}

// TLSTransport speaks HTTPS as the holder of key to the server with the key server.
// A server is accepted if it proves that key, or if its certificate is valid for the host
// name according to the system's authorities.
func TLSTransport(key ed25519.PrivateKey, server moot.Key) (*http.Transport, error) {
	own, err := seal.Certificate(key)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		Certificates:       []tls.Certificate{own},
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection:   func(state tls.ConnectionState) error { return verifyServer(state, server) },
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
	return &http.Transport{
		TLSClientConfig:       cfg,
		TLSHandshakeTimeout:   10 * time.Second,
		IdleConnTimeout:       idleFor,
		MaxIdleConnsPerHost:   16,
		ExpectContinueTimeout: time.Second,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
		// HTTP/1.1 only: a connection a request is faster for large bodies than HTTP/2's
		// streams, which share one flow-controlled connection.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}, nil
}

// verifyServer checks a server's certificate. Kind Stranger.
func verifyServer(state tls.ConnectionState, server moot.Key) error {
	if len(state.PeerCertificates) == 0 {
		return moot.Errorf(moot.Stranger, "the server has no certificate")
	}
	leaf := state.PeerCertificates[0]
	if key, err := seal.KeyOf(leaf); err == nil && key == server {
		return nil
	}
	opts := x509.VerifyOptions{DNSName: state.ServerName, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	if state.ServerName == "" {
		return errWrongServer(server)
	}
	if _, err := leaf.Verify(opts); err != nil {
		return errWrongServer(server)
	}
	return nil
}

func errWrongServer(server moot.Key) error {
	return moot.WithHint(moot.Errorf(moot.Stranger, "another server responds at this address: its key is not %s", server.Short()), moot.HintCheckInvite)
}
