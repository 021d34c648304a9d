package node

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/wire"
)

// at is a clock that stands some time after now.
func at(d time.Duration) func() time.Time {
	now := time.Now().Add(d)
	return func() time.Time { return now }
}

func TestClockStaysLaterThanWhatIsStored(t *testing.T) {
	fast, slow := founder(t, Config{Now: at(0)}), newNode(t, Config{Key: benKey, Now: at(-time.Minute)})
	admit(t, fast, slow, policy.RoleMember)
	write(t, session(t, fast, viaPeers), "a", "old")
	learn(t, slow, fast)
	before := newest(t, slow)
	write(t, session(t, slow, viaPeers), "a", "new")
	if last := newest(t, slow); last.Author != ben || last.Time <= before.Time {
		t.Errorf("what was written next has time %v, not later than %v", last.Time, before.Time)
	}
}

func TestEntriesFromTheFutureAreRefused(t *testing.T) {
	ahead := founder(t, Config{Now: at(24 * time.Hour)})
	n := newNode(t, Config{Key: benKey, Now: at(0)})
	must(t, n.store.Append(t.Context(), moot.Merge, history(t, ahead)...)) // no right depends on an act's time
	write(t, session(t, ahead, viaPeers), "a", "of tomorrow")
	wantKind(t, n.store.Append(t.Context(), moot.Merge, newest(t, ahead)), moot.Invalid)
	if err := verify(feed.NewClock(at(0), 0))(newest(t, ahead)); err == nil {
		t.Error("an entry of tomorrow was believed")
	}
}

func TestVerifyObservesWhatServersAnswer(t *testing.T) {
	clock := feed.NewClock(at(-time.Minute), 0)
	e := newest(t, founder(t, Config{Now: at(0)}))
	must(t, verify(clock)(e))
	if now := clock.Now(); now <= e.Time {
		t.Errorf("the clock says %v after an entry of %v", now, e.Time)
	}
	e.Key = "changed"
	wantKind(t, verify(clock)(e), moot.Corrupt)
}

// history returns all that a node holds.
func history(t *testing.T, n *Node) (entries []moot.Entry) {
	t.Helper()
	for e, err := range n.store.Query(t.Context(), moot.Query{History: true, Replica: true}) {
		must(t, err)
		entries = append(entries, e)
	}
	return entries
}

// newest returns the entry with the latest time that a node holds.
func newest(t *testing.T, n *Node) moot.Entry {
	t.Helper()
	return slices.MaxFunc(history(t, n), func(a, b moot.Entry) int { return cmp.Compare(a.Time, b.Time) })
}

func TestInvitedKeyMayJoinAndNothingElse(t *testing.T) {
	n := founder(t, Config{})
	l := invitation(t, n, policy.RoleMember)
	invited := seal.Public(seal.FromSeed(l.Seed))
	g := guard{n.network.roster, policy.Peer{Roster: n.network.roster, Preferences: n.preferences}, nil}
	must(t, g.Allow(t.Context(), invited, string(policy.Write), ""))
	wantKind(t, g.Allow(t.Context(), invited, string(policy.Read), ""), moot.Stranger)
	wantKind(t, g.Allow(t.Context(), eve, string(policy.Write), ""), moot.Stranger)
	must(t, g.Allow(t.Context(), ann, string(policy.Read), ""))

	joining, err := members.Enter(l, benKey, "ben", "laptop", time.Now)
	must(t, err)
	must(t, g.Accept(t.Context(), invited, joining))
	must(t, g.Accept(t.Context(), ann, joining))
	wantKind(t, g.Accept(t.Context(), eve, joining), moot.Stranger)
	other := joining
	other.Kind = moot.KindFile
	wantKind(t, g.Accept(t.Context(), invited, other), moot.Denied)
	another, err := members.Enter(invitation(t, n, policy.RoleMember), eveKey, "eve", "laptop", time.Now)
	must(t, err)
	wantKind(t, g.Accept(t.Context(), invited, another), moot.Denied)

	must(t, n.store.Append(t.Context(), moot.Merge, joining))
	must(t, n.witness.admit(t.Context()))
	wantKind(t, g.Allow(t.Context(), invited, string(policy.Write), ""), moot.UsedUp)
	wantKind(t, g.Accept(t.Context(), invited, joining), moot.UsedUp)
	if !n.network.mayConnect(invited) || !n.network.mayConnect(ben) || n.network.mayConnect(eve) {
		t.Error("connections: the invited key and members are let in, strangers are not")
	}
}

func TestServerRefusesNamesThatAreTaken(t *testing.T) {
	n := founder(t, Config{})
	l, err := own(n).Invite(t.Context(), members.Invitation{Role: policy.RoleMember, Uses: 9, Expires: time.Hour})
	must(t, err)
	invited := seal.Public(seal.FromSeed(l.Seed))
	server := guard{n.network.roster, policy.Server{Roster: n.network.roster}, n.mayBeNamed}
	peer := guard{n.network.roster, policy.Server{Roster: n.network.roster}, nil}
	join, err := members.Enter(l, benKey, "ANN", "laptop", time.Now)
	must(t, err)
	wantKind(t, server.Accept(t.Context(), invited, join), moot.Conflict)
	must(t, peer.Accept(t.Context(), invited, join)) // the name is shown marked
	join, err = members.Enter(l, benKey, "ben", "laptop", time.Now)
	must(t, err)
	must(t, server.Accept(t.Context(), invited, join))
	must(t, n.store.Append(t.Context(), moot.Merge, join))
	must(t, n.witness.admit(t.Context()))
	must(t, server.Accept(t.Context(), invited, join)) // again, as its acknowledgement was lost
}

func TestSessionsEndRequestsOfTheRevoked(t *testing.T) {
	s := newSessions()
	entered, ended := make(chan moot.Key), make(chan moot.Key, 2)
	h := s.register(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- moot.Caller(r.Context())
		<-r.Context().Done()
		ended <- moot.Caller(r.Context())
	}))
	ctx, cancel := context.WithCancel(t.Context())
	for _, k := range []moot.Key{ann, ben} {
		go callAs(ctx, h, k, "/")
		<-entered
	}
	s.revoke(func(k moot.Key) bool { return k != ben })
	if k := <-ended; k != ben {
		t.Errorf("the request of %v ended", k.Short())
	}
	until(t, "the ended request is forgotten", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.live) == 1
	})
	select {
	case k := <-ended:
		t.Errorf("the request of %v ended, too", k.Short())
	default:
	}
	cancel()
	<-ended
	until(t, "no request is left", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.live) == 0
	})
}

func TestRevokedMembersWatchEnds(t *testing.T) {
	n := founder(t, Config{})
	admit(t, n, newNode(t, Config{Key: benKey}), policy.RoleMember)
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Handler().ServeHTTP(w, r.WithContext(moot.WithCaller(r.Context(), ben)))
	}))
	defer func() { served.CloseClientConnections(); served.Close() }()
	began, ended, once := make(chan struct{}), make(chan error, 1), sync.Once{}
	go func() {
		for _, err := range wire.NewClient(http.DefaultTransport, served.URL).Watch(t.Context(), moot.Vector{}) {
			if err != nil {
				ended <- err
				return
			}
			once.Do(func() { close(began) })
		}
		ended <- nil
	}()
	<-began
	_, err := session(t, n, viaPeers).Members.Revoke(t.Context(), "ben", app.RevokeOptions{})
	must(t, err)
	if err := <-ended; err == nil {
		t.Error("the watch of a revoked member ended as if nothing were left to send")
	}
	if w := callAs(t.Context(), n.Handler(), ben, "/v2/vector"); w.Code != http.StatusForbidden {
		t.Errorf("a revoked member is answered %d", w.Code)
	}
}

// TestRevocationEndsRequests: whatever is being answered, not only what asks again.
func TestRevocationEndsRequests(t *testing.T) {
	n := founder(t, Config{})
	admit(t, n, newNode(t, Config{Key: benKey}), policy.RoleMember)
	began, ended := make(chan struct{}), make(chan struct{})
	go callAs(t.Context(), n.sessions.register(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	})), ben, "/")
	<-began
	_, err := session(t, n, viaPeers).Members.Revoke(t.Context(), "ben", app.RevokeOptions{})
	must(t, err)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the request of a revoked member goes on")
	}
}

func TestServerAnswersByRole(t *testing.T) {
	n := founder(t, Config{Role: arch.Server()})
	admit(t, n, newNode(t, Config{Key: benKey}), policy.RoleGuest)
	for caller, want := range map[moot.Key]int{ben: http.StatusOK, eve: http.StatusUnauthorized} {
		if w := callAs(t.Context(), n.Handler(), caller, "/v2/vector"); w.Code != want {
			t.Errorf("%v is answered %d, want %d: %s", caller.Short(), w.Code, want, w.Body)
		}
	}
}

func TestGateObservesWhatIsStored(t *testing.T) {
	clock := feed.NewClock(at(-time.Minute), 0)
	e := newest(t, founder(t, Config{Now: at(0)}))
	gate{Roster: policy.NewRoster(e.Space, time.Now), clock: clock}.Apply(&e, moot.Position{Seq: e.Seq}, nil, func(moot.EntryID) (moot.Key, moot.Position, bool) {
		return moot.Key{}, moot.Position{}, false
	})
	if now := clock.Now(); now <= e.Time {
		t.Errorf("the clock says %v after an entry of %v", now, e.Time)
	}
}

// TestRecoveryCodeThatTheServerAdmitsFirst: the node that stores its join may admit it.
func TestRecoveryCodeThatTheServerAdmitsFirst(t *testing.T) {
	server := founder(t, Config{Role: arch.Server()})
	n := newNode(t, Config{Key: benKey})
	admit(t, server, n, policy.RoleMember)
	through := admitting{server.store, server.witness}
	bens := members.New(members.Config{
		Space: n.cfg.Space, Self: ben, Node: through, Write: n.signer.Through(through), Roster: server.network.roster,
	})
	_, err := bens.Recovery(t.Context(), nil)
	must(t, err)
	_, err = bens.Recovery(t.Context(), nil)
	wantKind(t, err, moot.Denied)
}
