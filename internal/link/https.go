package link

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/hex"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// ServeTLS serves HTTPS (TLS 1.3, RFC 8446) on ln until ctx ends. Nodes ask for the
// certificate over the key that they have pinned: one of keys, of which the first is the
// node's and others are those it had before. Other programs, which name a host for which
// cert is valid, get cert (nil: none). Clients prove their own key by a certificate of the
// same kind.
func ServeTLS(ctx context.Context, ln net.Listener, keys []ed25519.PrivateKey, cert *tls.Certificate, h http.Handler, logger *slog.Logger) error {
	own := make([]tls.Certificate, len(keys))
	names := map[string]*tls.Certificate{}
	for i, key := range keys {
		var err error
		if own[i], err = seal.Certificate(key); err != nil {
			return err
		}
		names[serverName(seal.Public(key))] = &own[i]
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequestClientCert, // no authority to check against: only the key counts
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pinned := names[hello.ServerName]; pinned != nil {
				return pinned, nil
			}
			if cert != nil && hello.ServerName != "" && !isServerName(hello.ServerName) && hello.SupportsCertificate(cert) == nil {
				return cert, nil
			}
			return &own[0], nil
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

// serverDomain holds the names that nodes use in TLS (RFC 9476: never in the DNS).
const serverDomain = ".node.moot.alt"

// serverName stands for a pinned key in TLS, so that a server which has had another key
// presents the one that is asked for. It is a hash: the network does not see the key.
func serverName(key moot.Key) string {
	sum := blake3.Sum256(append([]byte("moot server name\x00"), key[:]...))
	return hex.EncodeToString(sum[:16]) + serverDomain
}

func isServerName(name string) bool { return strings.HasSuffix(name, serverDomain) }

// TLSTransport speaks HTTPS as the holder of key to the server with the key server. The
// server must prove that key, by whatever name it is reached: no certificate authority
// is believed. Kind Invalid if server is zero; kind Stranger of a handshake with anybody
// else.
func TLSTransport(key ed25519.PrivateKey, server moot.Key) (*http.Transport, error) {
	if server == (moot.Key{}) {
		return nil, errNoKey()
	}
	own, err := seal.Certificate(key)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		ServerName:         serverName(server),
		Certificates:       []tls.Certificate{own},
		InsecureSkipVerify: true, // VerifyConnection does it, also of a resumed session
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

// verifyServer compares the key that the handshake has proven. Kind Stranger.
func verifyServer(state tls.ConnectionState, server moot.Key) error {
	if len(state.PeerCertificates) == 0 {
		return moot.Errorf(moot.Stranger, "the server has no certificate")
	}
	got, err := seal.KeyOf(state.PeerCertificates[0])
	switch {
	case err != nil:
		err = moot.Errorf(moot.Stranger, "what responds at this address is not the server: its certificate is not over the key %s", server.Short())
		return moot.WithHint(err, moot.HintPassTLS)
	case got != server:
		err = moot.Errorf(moot.Stranger, "another server responds at this address: its key is %s, not %s", got.Short(), server.Short())
		return moot.WithHint(err, moot.HintCheckInvite)
	}
	return nil
}

// errNoKey refuses nodes that could not be told from others.
func errNoKey() error {
	return moot.WithHint(moot.Errorf(moot.Invalid, "the node's key is not known"), moot.HintCheckInvite)
}
