package daemon

import (
	"cmp"
	"context"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/node"
)

// Run implements app.Program.
func (p Program) Run(ctx context.Context, dir string, o app.RunOptions, ready func(addrs []string)) (err error) {
	h, err := openHome(dir)
	if err != nil {
		return err
	}
	if err := h.remember(o); err != nil {
		return err
	}
	for {
		s, n, err := p.reach(ctx, h, moot.Architecture{}, roleOf(o), nodeLockTimeout)
		if s != nil {
			return errors.Join(s.Close(), moot.WithHint(moot.Errorf(moot.Invalid, "a node runs in %s already", dir), moot.HintStopNode))
		}
		if err != nil {
			return unlessEnded(ctx, err)
		}
		err = p.serve(ctx, h, n, o, ready)
		if err = errors.Join(err, n.Close()); !errors.Is(err, errSucceeded) {
			return unlessEnded(ctx, err)
		}
		p.logger().Warn("this home was copied back, and another copy has written meanwhile: it goes on as a new device", "device", h.self())
	}
}

// unlessEnded returns err, but for a program that was interrupted while it started.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// errSucceeded ends a node whose home has another key now.
var errSucceeded = errors.New("the home goes on as a new device")

func roleOf(o app.RunOptions) arch.Role {
	switch {
	case o.Serve:
		return arch.Server()
	case o.Worker:
		return arch.Worker()
	}
	return arch.Peer()
}

// serve opens all listeners, starts the node and runs it until ctx ends or a listener
// fails.
func (p Program) serve(ctx context.Context, h *home, n *node.Node, o app.RunOptions, ready func(addrs []string)) (err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if o.Alone || n.Alone() {
		if err := h.alone(); err != nil {
			return err
		}
	}
	o.NoPeer = o.NoPeer || !o.Serve && h.settings.NoPeer
	o.Socket = h.Path(socketFile)
	l, err := p.Listen(ctx, n, h, o, p.logger())
	if err != nil {
		return err
	}
	defer func() {
		end(nil)
		err = errors.Join(err, l.Close())
	}()
	if err := n.Start(ctx, func() { l.Serve(ctx, end) }); err != nil {
		return err
	}
	ready(l.Addrs())
	select {
	case <-n.Forked():
		if err := h.succeed(ctx, n); err != nil {
			return err
		}
		return errSucceeded
	case <-ctx.Done():
		if !o.Serve && !o.Worker {
			p.warnLastCopies(context.WithoutCancel(ctx), n)
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// warnLastCopies says how many files cannot be had while a node is stopped; nothing if not
// all others answer, as when they are stopped with it.
func (p Program) warnLastCopies(ctx context.Context, n *node.Node) {
	count, err := n.OnlyHere(ctx)
	if err != nil {
		p.logger().Debug("count what only this node holds", "error", err)
	}
	if count.Files > 0 && !count.Unsure {
		p.logger().Warn("others cannot have files that are only here until this node runs again, as far as is known", "files", count.Files, "bytes", count.Bytes)
	}
}

// remember saves what the options say of a server for the next time.
func (h *home) remember(o app.RunOptions) error {
	before := h.settings
	s := &h.settings
	s.Database, s.Blobs = cmp.Or(o.Database, s.Database), cmp.Or(o.Blobs, s.Blobs)
	if o.Serve {
		s.MailDomain, s.MailHost, s.MailQuota = o.Mail.Domain, o.Mail.Host, o.Mail.Quota
	}
	if s.Database == before.Database && s.Blobs == before.Blobs && s.MailDomain == before.MailDomain && s.MailHost == before.MailHost && s.MailQuota == before.MailQuota {
		return nil
	}
	return h.save()
}
