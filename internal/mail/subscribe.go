package mail

import (
	"context"
	"slices"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// subscriptionsID stands for the member's subscriptions, which are a filing without a
// message: sealed, and the same on all devices. Only what was chosen is in it: a folder is
// subscribed unless it says otherwise.
var subscriptionsID = moot.BlobID(blake3.Sum256([]byte("moot mail subscriptions")))

const (
	subscribed   Flag = `\Subscribed`
	unsubscribed Flag = `\Unsubscribed`
)

// maxSubscriptions bounds a member's choices: they fit one entry.
const maxSubscriptions = 200

// Subscriptions implements Mailbox.
func (acc *Account) Subscriptions(context.Context) (map[string]bool, error) {
	n, _, err := acc.index.filing(acc.index.read, subscriptionsID)
	chosen := map[string]bool{}
	for _, l := range n.Locations {
		chosen[l.Folder] = slices.Contains(l.Flags, subscribed)
	}
	return chosen, moot.Wrap("subscriptions", err)
}

// Subscribe implements Mailbox.
func (acc *Account) Subscribe(ctx context.Context, folder string, on bool) error {
	return moot.Wrap("subscribe", acc.subscribe(ctx, folder, on))
}

func (acc *Account) subscribe(ctx context.Context, folder string, on bool) error {
	if err := checkFolder(folder); err != nil {
		return err
	}
	acc.index.changing.Lock()
	defer acc.index.changing.Unlock()
	last, n, err := acc.index.heads(acc.index.read, subscriptionsID)
	if err != nil {
		return err
	}
	flag := unsubscribed
	if on {
		flag = subscribed
	}
	n.Locations = slices.DeleteFunc(n.Locations, func(l location) bool { return l.Folder == folder })
	n.Locations = append(n.Locations, location{folder, []Flag{flag}})
	if len(n.Locations) > maxSubscriptions {
		return moot.Errorf(moot.TooLarge, "more than %d folders are subscribed or unsubscribed", maxSubscriptions)
	}
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return err
	}
	own, err := acc.ownRecipients(ctx, dir)
	if err != nil {
		return err
	}
	s, err := acc.filingStatement(own, subscriptionsID, n)
	if err != nil {
		return err
	}
	s.Replaces = last[:min(len(last), moot.MaxReplaces)]
	entries, err := acc.cfg.Write.Append(ctx, moot.Merge, s)
	if err != nil {
		return err
	}
	return acc.update(ctx, func(tx *sqlite.Tx) ([]string, error) {
		acc.index.changes.Add(1)
		return acc.index.setFiling(tx, filed{n, subscriptionsID, []moot.EntryID{entries[0].ID}, entries[0].Time})
	})
}
