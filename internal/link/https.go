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

// ServeTLS answers HTTPS requests (TLS 1.3, RFC 8446) on ln until ctx ends. The node
// shows a certificate over its own key, which members have pinned; to clients that
// ask by a host name for which cert is good it shows that instead (nil: none).
// Clients prove their own key by a certificate of the same sort.
func ServeTLS(ctx context.Context, ln net.Listener, key ed25519.PrivateKey, cert *tls.Certificate, h http.Handler, logger *slog.Logger) error {
	own, err := seal.Certificate(key)
	if err != nil {
		return err
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequestClientCert, // no authority to check against: the key is what counts
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
		ErrorLog: log.New(debugWriter{quiet(logger)}, "", 0),
	}
	return serve(ctx, tls.NewListener(ln, cfg), srv)
}

// withTLSCaller says who asks: whoever's key the handshake has proven.
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
// A server is believed if it proves that key, or if its certificate is good for the
// host name by the system's authorities.
func TLSTransport(key ed25519.PrivateKey, server moot.Key) (*http.Transport, error) {
	own, err := seal.Certificate(key)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		Certificates:       []tls.Certificate{own},
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection:   func(state tls.ConnectionState) error { return believe(state, server) },
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

// believe judges a server's certificate. Kind Stranger.
func believe(state tls.ConnectionState, server moot.Key) error {
	if len(state.PeerCertificates) == 0 {
		return moot.Errorf(moot.Stranger, "the server shows no certificate")
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
	return moot.Errorf(moot.Stranger, "somebody else answers there: the server's key is not %s", server.Short())
}
