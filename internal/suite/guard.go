package suite

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
)

// gate admits by the member's roster.
type gate struct {
	roster *policy.Roster
	clock  *feed.Clock
}

func (g *gate) Admit(e moot.Entry) error { return g.roster.Admit(e) }
func (g *gate) Apply(e moot.Entry) {
	g.clock.Observe(e.Time)
	g.roster.Apply(e)
}

func (g *gate) Limit(author moot.Key) (uint64, bool) { return g.roster.Limit(author) }

// lets reports who may connect: members, and who was invited.
func (m *Member) lets(k moot.Key) bool {
	roster := m.home.Load().roster
	if len(roster.Members()) < 2 && roster.Space() == "" {
		return true // a newcomer, who knows nobody yet
	}
	if _, ok := roster.Role(k); ok {
		return true
	}
	_, err := roster.Invite(k)
	return !errors.Is(err, moot.Stranger)
}

func (m *Member) guard() guard {
	roster := m.home.Load().roster
	return guard{roster, policy.Server{Roster: roster}}
}

// guard lets members ask, and the invited join.
type guard struct {
	roster *policy.Roster
	policy.Policy
}

func (g guard) Allow(ctx context.Context, caller moot.Key, action, subject string) error {
	if _, member := g.roster.Role(caller); !member && action == string(policy.Write) {
		if _, err := g.roster.Invite(caller); !errors.Is(err, moot.Stranger) {
			return err
		}
	}
	return g.Policy.Allow(ctx, caller, policy.Action(action), subject)
}

func (g guard) Accept(context.Context, moot.Key, moot.Entry) error { return nil }

// guarded is a member's node as another sees it without a link in between.
type guarded struct {
	m      *Member
	caller moot.Key
}

func (g *guarded) allow(ctx context.Context, act policy.Action) error {
	if _, err := g.m.world.find(g.m.Key()); err != nil {
		return err
	}
	return g.m.guard().Allow(ctx, g.caller, string(act), "")
}

// Run implements moot.Runner.
func (g *guarded) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (o moot.Outcome, err error) {
	if _, err := g.m.world.find(g.m.Key()); err != nil {
		return o, err
	}
	if t.For.IsZero() {
		t.For = g.caller
	}
	if err := g.m.guard().Allow(ctx, g.caller, string(policy.Run), t.For.String()); err != nil {
		return o, err
	}
	return g.m.Run(ctx, t, watch)
}

func (g *guarded) Put(ctx context.Context, r io.Reader) (b moot.Blob, err error) {
	if err = g.allow(ctx, policy.Upload); err == nil {
		b, err = g.m.seen().Put(ctx, r)
	}
	return b, err
}

func (g *guarded) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	if err := g.allow(ctx, policy.Read); err != nil {
		return nil, err
	}
	return g.m.seen().Get(ctx, id, r)
}

func (g *guarded) Have(ctx context.Context, id moot.BlobID) (h moot.Holding, err error) {
	if err = g.allow(ctx, policy.Read); err == nil {
		h, err = g.m.seen().Have(ctx, id)
	}
	return h, err
}

func (g *guarded) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, g, id), nil
}

func (g *guarded) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	if err := g.allow(ctx, policy.Write); err != nil {
		return err
	}
	return g.m.seen().Append(ctx, mode, entries...)
}

func (g *guarded) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	if err := g.allow(ctx, policy.Read); err != nil {
		return failed(err)
	}
	return g.m.seen().Query(ctx, q)
}

func (g *guarded) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	if err := g.allow(ctx, policy.Read); err != nil {
		return failed(err)
	}
	return g.m.seen().Watch(ctx, since)
}

func (g *guarded) Vector(ctx context.Context) (v moot.Vector, err error) {
	if err = g.allow(ctx, policy.Read); err == nil {
		v, err = g.m.seen().Vector(ctx)
	}
	return v, err
}

func failed(err error) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) { yield(moot.Entry{}, err) }
}

// severed is a node that may be cut off.
type severed struct {
	moot.Node
	check func() error
}

func (s *severed) Put(ctx context.Context, r io.Reader) (b moot.Blob, err error) {
	if err = s.check(); err == nil {
		b, err = s.Node.Put(ctx, r)
	}
	return b, err
}

func (s *severed) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.Node.Get(ctx, id, r)
}

func (s *severed) Have(ctx context.Context, id moot.BlobID) (h moot.Holding, err error) {
	if err = s.check(); err == nil {
		h, err = s.Node.Have(ctx, id)
	}
	return h, err
}

// Exchange is checked at its beginning and at every event.
func (s *severed) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	x, err := s.Node.Exchange(ctx, id)
	return severedExchange{x, s}, err
}

type severedExchange struct {
	moot.Exchange
	*severed
}

func (x severedExchange) Next() (moot.ExchangeEvent, error) {
	if err := x.check(); err != nil {
		return moot.ExchangeEvent{}, err
	}
	return x.Exchange.Next()
}

func (s *severed) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.Node.Append(ctx, mode, entries...)
}

func (s *severed) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	return s.Node.Query(ctx, q)
}

func (s *severed) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	return s.Node.Watch(ctx, since)
}

func (s *severed) Vector(ctx context.Context) (v moot.Vector, err error) {
	if err = s.check(); err == nil {
		v, err = s.Node.Vector(ctx)
	}
	return v, err
}

// memo keeps a log to be looked at.
type memo struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (m *memo) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}

func (m *memo) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(m, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func (m *memo) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// Names reports whether the log speaks of somebody.
func (m *memo) Names(k moot.Key) bool { return strings.Contains(m.String(), k.String()) }
