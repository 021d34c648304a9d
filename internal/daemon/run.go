package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/front/jobapi"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/wire"
)

// Run is a node in the foreground, until ctx ends.
func (p Program) Run(ctx context.Context, dir string, o cli.RunOptions, ready func(addrs []string)) (err error) {
	h, err := openHome(dir)
	if err != nil {
		return err
	}
	if err := h.remember(o); err != nil {
		return err
	}
	s, n, err := p.reach(ctx, h, cli.ViaPeers, nodePatience)
	if s != nil {
		return errors.Join(s.Control.Close(), moot.Errorf(moot.Invalid, "a node runs in %s already: stop it first, or give another --home", dir))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	n.running, n.serves, n.works = true, o.Serve, o.Worker
	collectLess()
	ctx, end := context.WithCancelCause(ctx)
	defer n.crew.Wait()
	defer n.die()
	defer end(nil)
	d := &doors{node: n, ctx: ctx, end: end}
	if err := d.open(o); err != nil {
		return err
	}
	n.crew.Go(func() { n.uploadLoop(ctx) })
	if n.mesh != nil {
		n.crew.Go(func() { n.announceAll(ctx) })
	}
	if n.serves && n.mesh != nil {
		n.crew.Go(func() { n.keep(ctx) })
	}
	ready(append(n.addrs(), n.mailAddrs...))
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// remember keeps what a command line says of a server for the next time.
func (h *home) remember(o cli.RunOptions) error {
	before := h.settings
	s := &h.settings
	s.Database, s.Blobs = orDefault(o.Database, s.Database), orDefault(o.Blobs, s.Blobs)
	if o.Serve {
		s.MailDomain, s.MailHost, s.MailQuota = o.Mail.Domain, o.Mail.Host, o.Mail.Quota
	}
	if s.Database == before.Database && s.Blobs == before.Blobs && s.MailDomain == before.MailDomain && s.MailHost == before.MailHost && s.MailQuota == before.MailQuota {
		return nil
	}
	return h.save()
}

// collectLess has garbage collected less often than usual: a node's memory is small, and
// passing on parts of blobs makes much garbage. Close to the limit it is collected more
// often again. GOGC and GOMEMLIMIT have priority.
func collectLess() {
	const limit = 160 << 20 // bytes, well below what a node may take
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(300)
		debug.SetMemoryLimit(limit)
	}
}

// doors are where a running node is asked.
type doors struct {
	*node
	ctx context.Context
	end context.CancelCauseFunc // with what made a door fall shut
}

// open opens every door. Whoever comes in by one may look at all of the node, so nobody
// is answered before it is whole: those who are early wait in the listeners.
func (d *doors) open(o cli.RunOptions) error {
	socket, err := d.listenSocket()
	if err != nil {
		return err
	}
	defer d.answerSocket(socket)
	server := func() {}
	if o.Serve || o.Worker {
		if server, err = d.listenServer(o); err != nil {
			return err
		}
	}
	if !o.NoPeer && (o.Serve || !d.settings.NoPeer) {
		if err := d.openPeer(o); err != nil {
			return err
		}
	}
	post, err := d.openMail(o.Mail)
	if err != nil {
		return err
	}
	if err := d.mail.run(d.ctx); err != nil {
		return err
	}
	server()
	post()
	d.crew.Go(func() { d.gossip(d.ctx) })
	if o.Serve {
		if err := d.announceServer(o); err != nil {
			return err
		}
	}
	return d.work.run(d.ctx)
}

// hold runs a door until it falls shut, and then ends the node.
func (d *doors) hold(serve func() error) {
	d.crew.Go(func() {
		if err := serve(); err != nil && d.ctx.Err() == nil {
			d.end(err)
		}
	})
}

// handler answers others, out of this node's own store.
func (n *node) handler() http.Handler {
	var rules policy.Policy = policy.Peer{Roster: n.roster, Preferences: func() policy.Preferences { return *n.wished.Load() }, Serves: n.shows}
	if n.serves {
		rules = policy.Server{Roster: n.roster}
	}
	var shown moot.Node = n.store
	if n.serves {
		shown = taking{bounded{n.store, n.mail.room}, n.in}
	}
	options := wire.Options{Log: n.log, Version: cli.Version, BackOff: n.serves}
	if n.running {
		options.Runner = n.work
		options.Jobs = jobapi.FollowHandler(n.work.followOwn)
	}
	h := wire.Handler(working{shown, n.work}, guard{n.roster, rules}, options)
	return n.cutoff.wrap(n.out.wrap(h))
}

// shows reports whether this home's owner wishes to serve a blob to others.
func (n *node) shows(ctx context.Context, blob string, names []string) bool {
	return n.mail.knows(ctx, blob) || n.shown.serves(ctx, blob, names)
}

// listenSocket listens for the commands of the home's owner.
func (d *doors) listenSocket() (net.Listener, error) {
	path := shortSocket(d.socket())
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // left by a crash: the home is locked, so nobody listens
		return nil, osError("open the home's socket", err)
	}
	ln, err := (&net.ListenConfig{}).Listen(d.ctx, "unix", path)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "open the home's socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(osError("open the home's socket", err), ln.Close())
	}
	return ln, nil
}

func (d *doors) answerSocket(ln net.Listener) {
	srv := &http.Server{Handler: d.controlHandler(), ReadHeaderTimeout: 10 * time.Second}
	d.crew.Go(func() {
		<-d.ctx.Done()
		srv.Close()
	})
	d.hold(func() error {
		err := srv.Serve(ln)
		return moot.Errorf(moot.Internal, "the home's socket: %w", err)
	})
}

// Default ports; a free one is taken instead if it is in use and was not named.
const (
	serverPort = "7443"
	peerPort   = "7444"
)

// listenServer listens for HTTPS, and returns what begins to answer.
func (d *doors) listenServer(o cli.RunOptions) (answer func(), err error) {
	if role, _ := d.roster.Role(d.self()); role != policy.RoleOwner && role != policy.RoleAdmin && role != policy.RoleServer {
		return nil, moot.Errorf(moot.Denied, "this home's role is %q: the space's server must be an owner, an admin or a member with the role server", role)
	}
	cert, err := certificate(o)
	if err != nil {
		return nil, err
	}
	listen, anyPort := o.Listen, false
	if len(listen) == 0 {
		listen, anyPort = []string{":" + serverPort}, true
	}
	var listeners []net.Listener
	for _, addr := range listen {
		ln, err := link.ListenTCP(d.ctx, addr, anyPort)
		if err != nil {
			return nil, err // the process ends with it, and with the listeners before
		}
		listeners = append(listeners, ln)
		d.webAddrs = append(d.webAddrs, webAddrs(ln.Addr())...)
	}
	if len(o.Announce) > 0 {
		d.webAddrs = o.Announce
	}
	return func() {
		handler := d.handler()
		for _, ln := range listeners {
			d.hold(func() error { return link.ServeTLS(d.ctx, ln, d.key, cert, handler, d.log) })
		}
	}, nil
}

func certificate(o cli.RunOptions) (*tls.Certificate, error) {
	if o.CertFile == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "the certificate: %w", err)
	}
	return &cert, nil
}

// announceServer tells the space where its server is.
func (d *doors) announceServer(o cli.RunOptions) error {
	addrs := d.addrs()
	if d.host == nil {
		addrs = d.webAddrs
	}
	m := members.New(d.settings.Space, d.store, d.signer.Through(d.store))
	if known, err := m.Servers(d.ctx); err == nil && !slices.ContainsFunc(known, func(p moot.Peer) bool { return p.ID == d.self() && slices.Equal(p.Addrs, addrs) }) {
		d.freshen(d.ctx) // before something is said that a copy of this home may have said otherwise
	}
	return moot.Wrap("announce the server", m.Serve(d.ctx, d.self(), addrs, o.Mail.Domain))
}

// webAddrs returns the https addresses under which others may reach a listener.
func webAddrs(a net.Addr) (addrs []string) {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return nil
	}
	hosts := []string{host}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		hosts = interfaceIPs()
	}
	for _, h := range hosts {
		addrs = append(addrs, "https://"+net.JoinHostPort(h, port))
	}
	return addrs
}

// interfaceIPs returns this machine's addresses, those of the network first, the
// loopback last; link-local ones mean nothing elsewhere.
func interfaceIPs() (ips []string) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return []string{"127.0.0.1"}
	}
	var loop []string
	for _, a := range all {
		ipnet, ok := a.(*net.IPNet)
		switch {
		case !ok || ipnet.IP.IsLinkLocalUnicast():
		case ipnet.IP.IsLoopback():
			if ipnet.IP.To4() != nil {
				loop = append(loop, ipnet.IP.String())
			}
		default:
			ips = append(ips, ipnet.IP.String())
		}
	}
	return append(ips, loop...)
}
