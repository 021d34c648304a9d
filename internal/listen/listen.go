// Package listen opens everything a running node serves on: HTTPS and libp2p for other
// nodes, IMAP and SMTP for mail programs and the outside world, HTTP for people's
// programs.
//
// It must not know what is answered: that is the node's handler and the front ends.
package listen

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
)

// Listeners are bound at once and answer only when Serve is called, so that nobody is
// answered before the node is whole. The first that fails ends Wait.
type Listeners struct {
	node  *node.Node
	data  node.Data
	log   *slog.Logger
	addrs []string // for people: where mail programs and people's programs are answered
	serve []func(context.Context) error
	bound []net.Listener

	running sync.WaitGroup
}

// New returns listeners of a node, none yet.
func New(n *node.Node, data node.Data, log *slog.Logger) *Listeners {
	return &Listeners{node: n, data: data, log: log}
}

// Addrs returns where the node answers, for people.
func (l *Listeners) Addrs() []string { return append(l.node.Addrs(), l.addrs...) }

// Add has serve run when Serve is called.
func (l *Listeners) Add(serve func(context.Context) error) { l.serve = append(l.serve, serve) }

// Serve begins to answer. The first listener that fails ends the context by fail.
func (l *Listeners) Serve(ctx context.Context, fail context.CancelCauseFunc) {
	for _, serve := range l.serve {
		l.running.Go(func() {
			if err := serve(ctx); err != nil && ctx.Err() == nil {
				fail(err)
			}
		})
	}
}

// Wait returns when all listeners have ended.
func (l *Listeners) Wait() { l.running.Wait() }

// Close frees all ports, also those that were never served, and waits.
func (l *Listeners) Close() {
	for _, ln := range l.bound {
		_ = ln.Close() // an ended server has closed its own
	}
	l.Wait()
}

// ports that are used if none is named; a free one is taken instead if it is in use.
const (
	serverPort = "7443"
	peerPort   = "7444"
)

// Server listens for HTTPS from other nodes.
func (l *Listeners) Server(ctx context.Context, o app.RunOptions) error {
	if role := l.node.Role(); role != policy.RoleOwner && role != policy.RoleAdmin && role != policy.RoleServer {
		return moot.Errorf(moot.Denied, "this home's role is %q: the space's server must be an owner, an admin or a member with the role server", role)
	}
	cert, err := loadCertificate(o.CertFile, o.KeyFile)
	if err != nil {
		return err
	}
	addrs, anyPort := o.Listen, false
	if len(addrs) == 0 {
		addrs, anyPort = []string{":" + serverPort}, true
	}
	var web []string
	for _, addr := range addrs {
		ln, err := link.ListenTCP(ctx, addr, anyPort)
		if err != nil {
			return err
		}
		l.bound = append(l.bound, ln)
		web = append(web, httpsAddrs(ln.Addr())...)
		l.Add(func(ctx context.Context) error {
			return link.ServeTLS(ctx, ln, l.node.Key(), cert, l.node.Handler(), l.log)
		})
	}
	if len(o.Announce) > 0 {
		web = o.Announce
	}
	l.node.SetWebAddrs(web)
	return nil
}

// Peers listens for other peers, and connects with them.
func (l *Listeners) Peers(ctx context.Context, o app.RunOptions) error {
	listen, err := peerAddrs(o)
	if err != nil {
		return err
	}
	if err := l.node.Connect(ctx, listen, true); err != nil {
		return err
	}
	l.Add(l.node.ServePeers)
	return nil
}

// loadCertificate reads a certificate of a public authority; nil if none is named.
func loadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	if certFile == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "the certificate: %w", err)
	}
	return &cert, nil
}

// listen opens a port for people or their programs.
func (l *Listeners) listen(ctx context.Context, addr, scheme, note string) (net.Listener, error) {
	ln, err := link.ListenTCP(ctx, addr, false)
	if err == nil {
		l.bound = append(l.bound, ln)
		l.addrs = append(l.addrs, scheme+"://"+ln.Addr().String()+note)
	}
	return ln, err
}
