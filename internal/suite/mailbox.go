package suite

import (
	"context"
	"io"
	"path/filepath"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// Mail returns the member's mailbox, which is kept up to date while the member runs. A
// member's node carries messages for others from when it is first asked for.
func (m *Member) Mail() *mail.Account {
	m.world.t.Helper()
	if m.box != nil {
		return m.box
	}
	m.world.must(m.openMail())
	return m.box
}

func (m *Member) openMail() (err error) {
	ctx := m.life
	if m.index == nil {
		path := ""
		if m.config.Database != "" {
			path = filepath.Join(filepath.Dir(m.config.Database), "mail.db")
		}
		if m.index, err = mail.OpenIndex(ctx, path); err != nil {
			return err
		}
		m.world.t.Cleanup(func() { m.closeMail() })
	}
	post := mail.NewRelay(mail.RelayConfig{
		Feeds: m.Store(), Index: m.index, Self: m.Key(), Have: m.holds, Drop: m.Store().Drop,
		Fetch: func(ctx context.Context, id moot.BlobID) error {
			return moot.Wrap("carry", drain(ctx, m.Node, id))
		},
		Online: m.online, Limits: func() mail.Limits { return mail.Limits{All: m.world.Architecture != "peer-to-peer" && m.isServer()} },
	})
	var keep mail.BlobStore
	if m.world.Centralised() && !m.isServer() {
		keep = m.Store()
	}
	box, err := mail.New(ctx, mail.Config{
		Mirror: keep,
		Node:   m.Node, Write: m, Key: m.key, Index: m.index, Reclaim: post.Reclaim, Log: m.Log.logger(),
		Directory: func(ctx context.Context) (mail.Directory, error) {
			roster, err := m.Members().Roster(ctx)
			return mail.Directory{Roster: roster}, err
		},
	})
	if err != nil {
		return err
	}
	m.box = box
	post.Add(box)
	m.crew.Go(func() { post.Run(ctx) })
	m.crew.Go(func() { box.Run(ctx) })
	return nil
}

// closeMail lets go of the index; one in memory is kept for the member's return.
func (m *Member) closeMail() {
	m.box = nil
	if m.index != nil && m.config.Database != "" {
		m.index.Close()
		m.index = nil
	}
}

func (m *Member) holds(ctx context.Context, id moot.BlobID) bool {
	h, err := m.Store().Have(ctx, id)
	return err == nil && h.Complete()
}

func (m *Member) online() (keys []moot.Key) {
	for _, p := range m.others() {
		if !m.world.separated(m.Key(), p.ID) {
			keys = append(keys, p.ID)
		}
	}
	return keys
}

// drain fetches a blob, which stays.
func drain(ctx context.Context, n moot.Node, id moot.BlobID) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	rc, err := n.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(io.Discard, rc)
	return err
}
