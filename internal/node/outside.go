package node

import (
	"context"
	"io"

	"github.com/mootspace/moot"
)

// SetMailRelay has messages to people outside the space passed on by relay. When relay
// returns without an error the message is in its care. The node closes queue when nothing
// uses relay any more. It must be called before Start.
func (n *Node) SetMailRelay(relay func(ctx context.Context, from string, to []string, mime io.Reader) error, queue MailQueue) {
	n.mail.mu.Lock()
	defer n.mail.mu.Unlock()
	n.mail.outbound, n.mail.queue = relay, queue
}

// AcceptsMail reports why an address takes no mail from outside. Kinds: Denied,
// NotFound, Full.
func (n *Node) AcceptsMail(ctx context.Context, address string) error {
	b, err := n.ownMail(ctx, n.routes.preferred(ctx))
	if err != nil {
		return err
	}
	t, err := b.Resolve(ctx, address)
	switch {
	case err != nil:
		return err
	case t.Channel != "":
		return moot.Errorf(moot.Denied, "a channel takes no mail from outside")
	case t.Outside != "":
		return moot.Errorf(moot.NotFound, "%.80q is not an address here", address)
	}
	return n.mail.checkQuota(ctx, []moot.MemberID{t.Member}, 0)
}

// DeliverMail puts a message from outside into mailboxes of members.
func (n *Node) DeliverMail(ctx context.Context, to []string, mime io.Reader) error {
	b, err := n.ownMail(ctx, n.routes.preferred(ctx))
	if err != nil {
		return err
	}
	return b.Deliver(ctx, to, mime)
}
