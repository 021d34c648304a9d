package node

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/sign"
)

// Session returns the node's member at work through an architecture; the zero choice is
// what the space and the node prefer.
func (n *Node) Session(ctx context.Context, via moot.Architecture) (*app.Session, error) {
	pool := n.routes.pool(ctx, via)
	rules := n.rules(ctx, via)
	via = rules.Asks
	if _, err := n.routes.through(ctx, via); err != nil {
		return nil, err
	}
	node := routed{n.routes, via}
	write := n.signer.Through(node)
	return &app.Session{
		Identity: n.Identity(), Via: via,
		Files:   n.sessionFiles(via, rules),
		Folders: foldersOf{n.files.folders},
		Members: people{n.members(node, write, n.network.roster), n, func(ctx context.Context) {
			if !n.state.running.Load() || rules.Delegates {
				n.entries.exchangeAll(ctx)
			}
		}},
		Mail:        func(ctx context.Context) (mail.Mailbox, error) { return n.sessionMail(ctx, via) },
		AccountMail: func(ctx context.Context, name string) (mail.Mailbox, error) { return n.accountMail(ctx, name, via) },
		Jobs:        n.compute.submitter(via, pool),
		Copies:      fileCopies{n, via, write},
		Aliases:     aliases{n, write},
		Control:     control{n, via},
		Close:       func() error { return nil },
	}, nil
}

// Writer returns the writer of the member's feed through an architecture.
func (n *Node) Writer(via moot.Architecture) sign.Writer {
	return n.signer.Through(routed{n.routes, via})
}

// OneShot prepares a node that lives only as long as one session: it is connected with
// peers and has the latest entries. The session's Close hands others what was written,
// and closes the node.
func (n *Node) OneShot(ctx context.Context, via moot.Architecture) (*app.Session, error) {
	rules := n.rules(ctx, via)
	if rules.Mesh && !n.cfg.Known.NoPeers {
		if err := n.Connect(context.WithoutCancel(ctx), nil, false); err != nil {
			return nil, err
		}
		n.tasks.start(func(ctx context.Context) { _ = n.ServePeers(ctx) }) // others may fetch what this session stores
	}
	n.files.via = rules.Asks
	s, err := n.Session(ctx, rules.Asks)
	if err != nil {
		return nil, err
	}
	n.entries.pull(ctx)
	n.noticeFork()
	if err := n.adopt(ctx); err != nil {
		return nil, err
	}
	n.witness.now(ctx, false)
	n.keys.renew(ctx)
	s.Close = func() error {
		n.finish(context.WithoutCancel(ctx))
		return n.Close()
	}
	return s, nil
}

// finish hands others what a one-shot session wrote.
func (n *Node) finish(ctx context.Context) {
	if n.signer.Wrote() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	n.entries.flush(ctx)
	n.uploads.flush(ctx)
}

// ownMail returns the mail of the node's member through an architecture.
func (n *Node) ownMail(ctx context.Context, via moot.Architecture) (*mail.Account, error) {
	return n.mail.account(ctx, n.cfg.Key, n.signer, via)
}

// sessionMail returns the member's mail with what has come. In a running node what comes
// is taken in all the time.
func (n *Node) sessionMail(ctx context.Context, via moot.Architecture) (mail.Mailbox, error) {
	b, err := n.ownMail(ctx, via)
	if err != nil {
		return nil, err
	}
	if n.state.running.Load() && via == n.routes.preferred(ctx) {
		return b, nil
	}
	return n.mail.synced(ctx, b)
}

// accountMail returns the mail of an account that this node keeps, or of its own member.
func (n *Node) accountMail(ctx context.Context, name string, via moot.Architecture) (mail.Mailbox, error) {
	if name == "" {
		return n.sessionMail(ctx, via)
	}
	a, err := n.accounts.Find(name)
	if err != nil {
		return nil, err
	}
	b, err := n.mail.account(ctx, a.Key, a.Signer, n.routes.preferred(ctx))
	if err != nil || n.state.running.Load() {
		return b, err
	}
	return n.mail.synced(ctx, b)
}

// added takes care of an account: a new one, or one of before while the node starts.
func (n *Node) added(ctx context.Context, a accounts.Account, l members.Link) error {
	if err := n.keys.open(a.Key, l); err != nil {
		return err
	}
	n.keys.renew(ctx)
	return n.attend(ctx, a)
}

// attend keeps the mail of an account up to date while the node runs.
func (n *Node) attend(ctx context.Context, a accounts.Account) error {
	b, err := n.mail.account(ctx, a.Key, a.Signer, n.routes.preferred(ctx))
	if err == nil {
		n.mail.attend(b)
	}
	return err
}

// Login lets a mail program in. Kind Denied.
func (n *Node) Login(ctx context.Context, user, password string) (mail.Mailbox, error) {
	a, err := n.accounts.Login(ctx, user, password)
	if err != nil {
		return nil, err
	}
	return n.mail.account(ctx, a.Key, a.Signer, n.routes.preferred(ctx))
}
