package node

import (
	"context"
	"log/slog"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/folders"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/tree"
)

// linearStore is the store as it decides about change sets: see files.Linear.
type linearStore struct {
	*store.Store
	linear moot.Node
}

// Append implements moot.Feeds.
func (s linearStore) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	return s.linear.Append(ctx, mode, entries...)
}

// fileService is what the node knows of files.
type fileService struct {
	index *files.Index // of its own entries
	store linearStore

	folders *folders.Service  // directories that are kept in step
	copies  *copies           // among members' devices
	via     moot.Architecture // of a one-shot node; zero: what space and node prefer
}

func newFiles(s *store.Store, n *network, log *slog.Logger) fileService {
	index := files.NewIndex(s, files.IndexConfig{Author: n.called, Log: log})
	return fileService{index: index, store: linearStore{s, files.Linear(s, index)}}
}

// sessionFiles returns the files as the node's member uses them through an architecture.
func (n *Node) sessionFiles(via moot.Architecture, rules arch.Architecture) *files.Files {
	node := routed{n.routes, via}
	place := inPlace{node: node, store: n.store, network: n.network, uploads: n.uploads, rules: rules, copies: n.cfg.Role.Copies}
	o := files.Options{Index: n.files.index, Local: n.store, Linker: place, Fetcher: place, Member: n.network.roster.Owner, Holders: n.holders, Log: n.cfg.Log}
	if !rules.Delegates { // a server alone decides what it forgets
		o.Forget = n.forget
	}
	if rules.Delegates {
		o.Fresh = n.entries.exchangeServer
	}
	return files.New(node, n.signer.Through(node), o)
}

// holders returns the names of other members with whom a blob should be: who named it, and
// devices that said that they hold it.
func (n *Node) holders(id moot.BlobID, author moot.Key) (names []string) {
	for _, device := range append(n.files.copies.Holders(id), author) {
		if device != n.Self() && device != (moot.Key{}) {
			names = append(names, n.network.called(device))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// forget drops blobs that no version in force, message or job needs, at once.
func (n *Node) forget(ctx context.Context, blobs []moot.Blob) error {
	needed := map[moot.BlobID]bool{}
	err := n.viewRetained(ctx, func(t *tree.Tree, retention func(string) tree.Retention) error {
		for b, inForce := range t.Needed(n.cfg.Now(), retention) {
			needed[b.ID] = needed[b.ID] || inForce
		}
		return nil
	})
	if err == nil {
		err = n.namedElsewhere(ctx, needed)
	}
	for _, b := range blobs {
		if err == nil && !needed[b.ID] {
			err = n.store.Drop(ctx, b.ID)
		}
	}
	return err
}

// called returns what people call whose device something is.
func (n *network) called(device moot.Key) string {
	if m, ok := n.roster.Member(n.member(device)); ok && m.Name != "" {
		return m.Name
	}
	return device.Short()
}
