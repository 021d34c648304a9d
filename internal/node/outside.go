package node

import (
	"context"
	"io"
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
	to, err := b.Inbound(ctx, address)
	if err != nil {
		return err
	}
	return n.mail.checkQuota(ctx, to, 0)
}

// DeliverMail puts a message from outside into mailboxes of members.
func (n *Node) DeliverMail(ctx context.Context, to []string, mime io.Reader) error {
	b, err := n.ownMail(ctx, n.routes.preferred(ctx))
	if err != nil {
		return err
	}
	return b.Deliver(ctx, to, mime)
}
