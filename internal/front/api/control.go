package api

import (
	"context"
	"io"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

// session is whose node it is, and through what it works.
type session struct {
	app.Identity
	Via moot.Architecture `json:"via"`
}

type setPreferences struct{ Body policy.Preferences }

type collect struct{ Body app.GarbageOptions }

// Operations on the node itself.
var (
	sessionOp        = op[none, session]{at: "GET /api/session", does: "Whose node this is", may: reads}
	statusOp         = op[none, app.Status]{at: "GET /api/status", does: "State of the node", may: reads}
	peersOp          = op[none, []app.PeerStatus]{at: "GET /api/peers", does: "Members' nodes as this node sees them", may: reads}
	preferencesOp    = op[none, policy.Preferences]{at: "GET /api/preferences", does: "What the node serves, and how fast", may: localReads}
	setPreferencesOp = op[setPreferences, none]{at: "PUT /api/preferences", does: "Change what the node serves, and how fast", may: localWrites}
	collectOp        = op[collect, app.Garbage]{at: "POST /api/garbage", does: "Free what nothing needs", may: localWrites}
)

func (s *server) addControl() {
	sessionOp.serve(s, func(_ context.Context, m *app.Session, _ none) (session, error) {
		return session{m.Identity, m.Via}, nil
	})
	statusOp.serve(s, func(ctx context.Context, m *app.Session, _ none) (app.Status, error) { return m.Control.Status(ctx) })
	peersOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]app.PeerStatus, error) {
		return m.Control.Peers(ctx)
	})
	preferencesOp.serve(s, func(ctx context.Context, m *app.Session, _ none) (policy.Preferences, error) {
		return m.Control.Preferences(ctx)
	})
	setPreferencesOp.serve(s, func(ctx context.Context, m *app.Session, in setPreferences) (none, error) {
		return none{}, m.Control.SetPreferences(ctx, in.Body)
	})
	collectOp.serve(s, func(ctx context.Context, m *app.Session, in collect) (app.Garbage, error) {
		return m.Control.Collect(ctx, in.Body)
	})
	s.addAccounts()
}

// lateWriter begins a response with its first byte, so that an error before it can still
// be answered as one.
type lateWriter struct {
	w         http.ResponseWriter
	mediaType string
	begun     bool
}

func (l *lateWriter) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", l.mediaType)
		l.w.Header().Set("Cache-Control", "no-store")
	}
	return l.w.Write(p)
}

// end returns an error that can still be answered. After the first byte it cuts the
// connection instead: the reader must not take half for the whole.
func (l *lateWriter) end(err error) error {
	if err != nil && l.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// controlClient is an app.Control.
type controlClient struct{ *client }

var _ app.Control = controlClient{}

func (c controlClient) Status(ctx context.Context) (app.Status, error) {
	return statusOp.call(ctx, c.client, none{})
}

func (c controlClient) Peers(ctx context.Context) ([]app.PeerStatus, error) {
	return peersOp.call(ctx, c.client, none{})
}

func (c controlClient) Preferences(ctx context.Context) (policy.Preferences, error) {
	return preferencesOp.call(ctx, c.client, none{})
}

func (c controlClient) SetPreferences(ctx context.Context, p policy.Preferences) error {
	return setPreferencesOp.run(ctx, c.client, setPreferences{p})
}

func (c controlClient) Collect(ctx context.Context, o app.GarbageOptions) (app.Garbage, error) {
	return collectOp.call(ctx, c.client, collect{o})
}

// cutReader gives an error of a response that broke off its kind.
type cutReader struct{ io.ReadCloser }

func (r cutReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = moot.Errorf(moot.Unavailable, "the node's answer broke off: %w", err)
	}
	return n, err
}
