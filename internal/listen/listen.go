// Package listen opens everything a running node serves on: HTTPS and libp2p for other
// nodes, IMAP and SMTP for mail programs and the outside world, HTTP for people's
// programs.
//
// It must not know what is answered: that is the node's handler and the front ends.
package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
)

var _ app.Listeners = (*Listeners)(nil)

// Listeners are bound at once and answer only when Serve is called, so that nobody is
// answered before the node is whole. The first that fails ends Wait.
type Listeners struct {
	node  *node.Node
	data  node.Data
	log   *slog.Logger
	addrs []string // for people: where mail programs and people's programs are answered
	serve []func(context.Context) error
	open  []io.Closer

	running sync.WaitGroup
}

// Open binds all that the options name, for one node; data is where certificates, keys
// and the queue of outgoing mail are kept.
func Open(ctx context.Context, n *node.Node, data node.Data, o app.RunOptions, log *slog.Logger) (_ app.Listeners, err error) {
	l := &Listeners{node: n, data: data, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if err := l.socket(ctx, o.Socket); err != nil {
		return nil, err
	}
	if o.Serve || o.Worker {
		if err := l.server(ctx, o); err != nil {
			return nil, err
		}
	}
	if !o.NoPeer {
		if err := l.peers(ctx, o); err != nil {
			return nil, err
		}
	}
	if err := l.mail(ctx, o.Mail); err != nil {
		return nil, err
	}
	return l, l.web(ctx, o)
}

// Addrs returns where the node answers, for people.
func (l *Listeners) Addrs() []string { return append(l.node.Addrs(), l.addrs...) }

// add has serve run when Serve is called.
func (l *Listeners) add(serve func(context.Context) error) { l.serve = append(l.serve, serve) }

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

// Close waits until all listeners have ended, and closes those that never served. The
// context of Serve must have ended.
func (l *Listeners) Close() error {
	l.running.Wait()
	var err error
	for _, c := range slices.Backward(l.open) {
		if one := c.Close(); !errors.Is(one, net.ErrClosed) {
			err = errors.Join(err, one)
		}
	}
	return err
}

// ports that are used if none is named; a free one is taken instead if it is in use.
const (
	serverPort = "7443"
	peerPort   = "7444"
)

// server listens for HTTPS from other nodes.
func (l *Listeners) server(ctx context.Context, o app.RunOptions) error {
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
		l.open = append(l.open, ln)
		web = append(web, httpsAddrs(ln.Addr())...)
		l.add(func(ctx context.Context) error {
			return link.ServeTLS(ctx, ln, l.node.Keys(), cert, l.node.Handler(), l.log)
		})
	}
	if len(o.Announce) > 0 {
		web = o.Announce
	}
	l.node.SetWebAddrs(web)
	return nil
}

// peers listens for other peers, and connects with them.
func (l *Listeners) peers(ctx context.Context, o app.RunOptions) error {
	listen, err := peerAddrs(o)
	if err != nil {
		return err
	}
	if err := l.node.Connect(ctx, listen, true); err != nil {
		return err
	}
	l.add(l.node.ServePeers)
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
		l.addrs = append(l.addrs, scheme+"://"+ln.Addr().String()+note)
		l.open = append(l.open, ln)
	}
	return ln, err
}
