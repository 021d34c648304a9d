package plan_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mootspace/moot/internal/plan"
)

// groups draws valid groups.
func groups(t *rapid.T) plan.Group {
	rate := rapid.Float64Range(1e3, 1e11)
	odds := rapid.Float64Range(0, 1)
	link := rapid.Custom(func(t *rapid.T) plan.Link {
		return plan.Link{Up: rate.Draw(t, "up"), Down: rate.Draw(t, "down")}
	})
	g := plan.Group{
		Members: rapid.SliceOfN(link, 1, 40).Draw(t, "members"),
		Size:    rapid.Int64Range(1, 1<<40).Draw(t, "size"),
		Source:  link.Draw(t, "source"),
		Servers: rapid.IntRange(1, 5).Draw(t, "servers"),
		Server:  link.Draw(t, "server"),
		Online:  odds.Draw(t, "online"), ServerOnline: odds.Draw(t, "server online"),
		Target:   rapid.Float64Range(0.01, 0.99999).Draw(t, "target"),
		AtServer: rapid.Bool().Draw(t, "at server"),
		Lifetime: time.Duration(rapid.Int64Range(1e9, 1e18).Draw(t, "lifetime")),
		Control:  rapid.Bool().Draw(t, "control"),
	}
	g.Copies = rapid.IntRange(1, len(g.Members)+1).Draw(t, "copies")
	g.Pieces = rapid.IntRange(1, g.Copies).Draw(t, "pieces")
	return g
}

// atMost tolerates the rounding of times to nanoseconds.
func atMost(a, b float64) bool { return a <= b*(1+1e-9)+1e-8 }

// TestBoundsProperty: peers are never slower than their source alone, a helping server
// never makes them slower, and every bound is monotone.
func TestBoundsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := groups(t)
		alone := plan.ClientServer(g.Size, g.Source, g.Members)
		peers := plan.PeerToPeer(g.Size, g.Source, g.Members)
		helped := plan.Hybrid(g.Size, g.Source, g.Server, g.Servers, g.Members)
		if peers > alone || helped > peers {
			t.Fatalf("alone %v, with peers %v, with a server's help %v", alone, peers, helped)
		}
		gain := alone.Seconds() / max(peers.Seconds(), 1e-9)
		up := 0.0
		for _, m := range g.Members {
			up += m.Up
		}
		if limit := min(float64(len(g.Members)), 1+up/g.Source.Up); alone > time.Second && gain > limit*(1+1e-6) {
			t.Fatalf("a gain of %v beyond min{N, 1+Σu_i/u_s} = %v", gain, limit)
		}
		if more := plan.PeerToPeer(g.Size, plan.Link{Up: 2 * g.Source.Up}, g.Members); more > peers {
			t.Fatalf("a faster source takes %v instead of %v", more, peers)
		}
		if large := plan.Hybrid(2*g.Size, g.Source, g.Server, g.Servers, g.Members); large < helped {
			t.Fatalf("twice the file takes %v instead of %v", large, helped)
		}
	})
}

// TestPlanProperty: relations between the answers that hold for any group.
func TestPlanProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := groups(t)
		p := answers(t, g)
		server, peers, both := answer(t, p, "client-server"), answer(t, p, "peer-to-peer"), answer(t, p, "hybrid")
		if !atMost(both.All(), server.All()) || !atMost(both.All(), peers.All()) {
			t.Fatalf("hybrid %v s, client-server %v, peer-to-peer %v", both.All(), server.All(), peers.All())
		}
		if g.AtServer && !atMost(peers.All(), server.All()) {
			t.Fatalf("from the same source peer-to-peer takes %v s, client-server %v", peers.All(), server.All())
		}
		if both.Availability < max(server.Availability, peers.Availability) || both.InitialAvailability < max(server.InitialAvailability, peers.InitialAvailability) {
			t.Fatalf("hybrid is available %v, client-server %v, peer-to-peer %v", both.Availability, server.Availability, peers.Availability)
		}
		if peers.Replication.Reached && (!both.Replication.Reached || both.Replication.Copies > peers.Replication.Copies) {
			t.Fatalf("beside a server %+v, without %+v", both.Replication, peers.Replication)
		}
		for _, a := range p.Answers {
			checkAnswer(t, g, a)
		}
		if answer(t, p, p.Recommended.Name()); len(p.Why) < 1 || len(p.Why) > 4 {
			t.Fatalf("%s because %q", p.Recommended.Name(), p.Why)
		}
	})
}

func checkAnswer(t *rapid.T, g plan.Group, a plan.Answer) {
	name := a.Architecture.Name()
	for i, r := range a.Reach[1:] {
		if before := a.Reach[i]; r.Members <= before.Members || !atMost(before.Seconds, r.Seconds) {
			t.Fatalf("%s: more members take less time: %v", name, a.Reach)
		}
	}
	if !atMost(1, a.Doubling) && a.All() > 1e-6 {
		t.Fatalf("%s: doubling takes × %v", name, a.Doubling)
	}
	u := a.Upload
	if u.Server < 0 || u.Source < 0 || u.Members < 0 {
		t.Fatalf("%s: %+v", name, u)
	}
	// All bytes that arrive were sent, and some more to a helping server.
	arrived := float64(g.Size) * float64(len(g.Members))
	if sent := float64(u.Server) + float64(u.Source) + float64(u.Members); !atMost(arrived, sent+3) {
		t.Fatalf("%s: %v bytes are sent and %v arrive", name, sent, arrived)
	}
	if p := a.Propagation; p.Hops[0] > p.Hops[1] || p.Messages[0] > p.Messages[1] {
		t.Fatalf("%s: %+v", name, p)
	}
}

// TestCopiesProperty: more copies never hurt, and MinCopies finds the fewest.
func TestCopiesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, n := rapid.IntRange(1, 30).Draw(t, "k"), rapid.IntRange(0, 300).Draw(t, "n")
		p, want := rapid.Float64Range(0, 1).Draw(t, "p"), rapid.Float64Range(0.01, 0.9999).Draw(t, "want")
		if a := plan.AnyOf(k, n, p); a < 0 || a > 1 || a > plan.AnyOf(k, n+1, p)+1e-9 || a < plan.AnyOf(k+1, n, p)-1e-9 {
			t.Fatalf("any %d of %d at %v: %v", k, n, p, a)
		}
		got, ok := plan.MinCopies(k, p, want, 300)
		if ok && (plan.AnyOf(k, got, p) < want-1e-9 || plan.AnyOf(k, got-1, p) > want+1e-9) {
			t.Fatalf("%d copies: %v, one fewer: %v", got, plan.AnyOf(k, got, p), plan.AnyOf(k, got-1, p))
		}
	})
}
