package node

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// checkQuota returns an error of kind Full if one of the mailboxes on this server has
// no room for so many bytes.
func (m *mailService) checkQuota(ctx context.Context, to []moot.MemberID, size int64) error {
	if m.quota <= 0 {
		return nil
	}
	index, err := m.open(ctx)
	if err != nil {
		return err
	}
	for _, k := range to {
		used, err := index.Used(ctx, k)
		if err != nil {
			return err
		}
		used += m.relay.PendingBytes(k)
		if used+size > m.quota {
			who, _ := m.roster.Member(k)
			return moot.Errorf(moot.Full, "the mailbox of %s is full: it holds %d of %d MiB", who.Name, used>>20, m.quota>>20)
		}
	}
	return nil
}

// bounded is the store of a server as others append to it: messages to a full mailbox
// are refused. What was stored elsewhere already (mode Merge) is accepted all the same,
// or no later entry of its author could be.
type bounded struct {
	moot.Node
	check func(ctx context.Context, to []moot.MemberID, size int64) error
}

// Append implements moot.Feeds.
func (b bounded) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	for _, e := range entries {
		if to, size, ok := mail.Announced(e); ok && mode == moot.Swap {
			if err := b.check(ctx, to, size); err != nil {
				return err
			}
		}
	}
	return b.Node.Append(ctx, mode, entries...)
}
