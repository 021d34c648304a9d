package plan_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/plan"
)

const day = 24 * time.Hour

// example is a group by hand: F = 800 Mbit, sharer 10, server 100 up and down, members
// 10 up and 50 down, in Mbit/s.
func example(n int) plan.Group {
	g := plan.Group{
		Size: 100e6, Source: plan.Link{Up: 10e6}, Servers: 1, Server: plan.Link{Up: 100e6, Down: 100e6},
		Online: 0.5, ServerOnline: 0.99, Target: 0.999, Copies: min(4, n+1), Pieces: 1, Lifetime: 30 * day,
	}
	for range n {
		g.Members = append(g.Members, plan.Link{Up: 10e6, Down: 50e6})
	}
	return g
}

func answers(t rapid.TB, g plan.Group) plan.Plan {
	t.Helper()
	p, err := plan.Make(g)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }

// TestTimesByHand: the upload of 80 s comes first in client-server, then 16 s for each
// slow downlink or 8 s a member; the source's uplink bounds the others at 80 s, but
// with a server that has the file already nothing does.
func TestTimesByHand(t *testing.T) {
	at := func(g plan.Group) plan.Group { g.AtServer = true; return g }
	fast := func(g plan.Group) plan.Group { g.Source.Up = 40e6; return g }
	for _, c := range []struct {
		name               string
		group              plan.Group
		server, peer, both float64
	}{
		{"one", example(1), 96, 80, 80},
		{"a few: the downlink", example(2), 96, 80, 80},
		{"many: the server's uplink", example(20), 240, 80, 80},
		{"at the server", at(example(20)), 160, 20 * 800 / 300., 20 * 800 / 300.},
		{"the server helps", fast(example(20)), 180, 20 * 800 / 240., 20 * 800 / (240 + 100*19/20.)},
	} {
		p := answers(t, c.group)
		for a, want := range map[plan.Architecture]float64{plan.ServerOnly: c.server, plan.PeersOnly: c.peer, plan.Both: c.both} {
			if got := p.Of(a).All(); !near(got, want) {
				t.Errorf("%s: %s takes %v s, want %v", c.name, a, got, want)
			}
		}
	}
}

// TestSendsByHand: where the server helps, all send for the whole 47.8 s.
func TestSendsByHand(t *testing.T) {
	g := example(20)
	g.Source.Up = 40e6
	p := answers(t, g)
	took := p.Of(plan.Both).All()
	for a, want := range map[plan.Architecture]plan.Sends{
		plan.ServerOnly: {Server: 20 * 100e6, Source: 100e6},
		plan.PeersOnly:  {Source: 333_333_333, Members: 1_666_666_667},
		plan.Both:       {Server: int64(12.5e6 * took), Source: int64(5e6 * took), Members: int64(25e6 * took)},
	} {
		got := p.Of(a).Sends
		for _, d := range []int64{got.Server - want.Server, got.Source - want.Source, got.Members - want.Members} {
			if d < -100 || d > 100 {
				t.Errorf("%s: %+v, want %+v", a, got, want)
			}
		}
	}
}

// TestKeptByHand: published figures of replicas, codes and upkeep.
func TestKeptByHand(t *testing.T) {
	for _, c := range []struct {
		k    int
		p    float64
		want int
	}{{1, 0.5, 10}, {4, 0.5, 21}, {8, 0.5, 33}, {1, 0.8, 5}, {4, 0.8, 10}, {8, 0.8, 17}, {1, 1, 1}} {
		if n, ok := plan.CopiesFor(c.k, c.p, 0.999, 100); !ok || n != c.want {
			t.Errorf("any %d at %v: %d copies, %v; want %d", c.k, c.p, n, ok, c.want)
		}
	}
	if _, ok := plan.CopiesFor(1, 0.5, 0.999, 9); ok {
		t.Error("nine copies at 0.5 are said to reach 0.999")
	}
	if a := plan.Either(0.99, plan.AnyOf(1, 4, 0.5)); !near(a, 0.999375) {
		t.Errorf("a server and four peers: %v", a)
	}
	if a := plan.AnyOf(2, 3, 0.9); !near(a, 0.972) {
		t.Errorf("a majority of three: %v", a)
	}
	if b := plan.Upkeep(100e9, 30*day); !near(b, 617283.950617) {
		t.Errorf("upkeep of 100 GB for 30 days: %v bit/s", b)
	}
	p := answers(t, example(20))
	for a, want := range map[plan.Architecture][2]int{plan.ServerOnly: {2, 0}, plan.PeersOnly: {0, 10}, plan.Both: {1, 4}} {
		if k := p.Of(a).Kept; !k.Reached || k.Servers != want[0] || k.Copies != want[1] {
			t.Errorf("%s: %+v, want %v", a, k, want)
		}
	}
	if k := answers(t, example(8)).Of(plan.PeersOnly).Kept; k.Reached {
		t.Errorf("nine members at 0.5 reach 0.999: %+v", k)
	}
}

// TestToldByHand: the depth of gossip trees, and the bound that package gossip declares.
func TestToldByHand(t *testing.T) {
	for n, want := range map[int]int{1: 1, 6: 1, 7: 2, 36: 2, 37: 3, 100: 3, 1000: 5} {
		if got := plan.Depth(n); got != want {
			t.Errorf("%d nodes: %d hops, want %d", n, got, want)
		}
	}
	if got := gossip.Bound(gossip.DefaultInterval); got != plan.Converge {
		t.Errorf("package gossip declares %v, and plan %v", got, plan.Converge)
	}
	p := answers(t, example(62)) // and the sharer and the server: 64
	if w := p.Of(plan.PeersOnly).Told.Within; w == nil || *w != 30 {
		t.Errorf("a group of 64: %v", w)
	}
	if w := answers(t, example(64)).Of(plan.Both).Told.Within; w != nil {
		t.Errorf("a bound of %v s is declared for more than 64", *w)
	}
}

func TestRecommended(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*plan.Group)
		want   plan.Architecture
		why    string
	}{
		{"no server", func(g *plan.Group) { g.Servers = 0 }, plan.PeersOnly, "There is no server"},
		{"no server, but control", func(g *plan.Group) { g.Servers, g.Control = 0, true }, plan.PeersOnly, "'moot serve' changes that"},
		{"control", func(g *plan.Group) { g.Control = true }, plan.ServerOnly, "One place must decide"},
		{"members add nothing", func(g *plan.Group) {
			g.AtServer, g.ServerOnline = true, 0.9999
			for i := range g.Members {
				g.Members[i].Up = 0.1e6
			}
		}, plan.ServerOnly, "too little to add"},
		{"members add nothing, but the server is often away", func(g *plan.Group) {
			g.AtServer = true
			for i := range g.Members {
				g.Members[i].Up = 0.1e6
			}
		}, plan.Both, "99.938 %"},
		{"a slow server and members always there", func(g *plan.Group) { g.Server.Up, g.Online = 1e6, 0.9 }, plan.PeersOnly, "A server would add too little"},
		{"both add", func(*plan.Group) {}, plan.Both, "All 20 have the file after 1 min 20 s"},
	} {
		g := example(20)
		c.change(&g)
		p := answers(t, g)
		if why := strings.Join(p.Why, " "); p.Recommended != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %s because %q; want %s because %q", c.name, p.Recommended, why, c.want, c.why)
		}
		if p.Of(p.Recommended) == nil || len(p.Why) > 4 {
			t.Errorf("%s: %s in %d sentences", c.name, p.Recommended, len(p.Why))
		}
	}
}

func TestNonsense(t *testing.T) {
	for want, change := range map[string]func(*plan.Group){
		"1 to 100000 who fetch": func(g *plan.Group) { g.Members = nil },
		"1 byte to 1 PiB":       func(g *plan.Group) { g.Size = 0 },
		"0 (there is none)":     func(g *plan.Group) { g.Servers = -1 },
		"if there is none":      func(g *plan.Group) { g.Servers, g.AtServer = 0, true },
		"want 1 to 21":          func(g *plan.Group) { g.Copies = 22 },
		"any 5 of 4":            func(g *plan.Group) { g.Pieces = 5 },
		"as 30 days":            func(g *plan.Group) { g.Lifetime = 0 },
		"a member is online":    func(g *plan.Group) { g.Online = 1.1 },
		"a server is online":    func(g *plan.Group) { g.ServerOnline = math.NaN() },
		"less than 1":           func(g *plan.Group) { g.Target = 1 },
		"rates of more than 0":  func(g *plan.Group) { g.Source.Up = -1 },
	} {
		g := example(20)
		change(&g)
		if _, err := plan.Make(g); moot.KindOf(err) != moot.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one with %q", err, want)
		}
	}
}

func TestWords(t *testing.T) {
	for s, want := range map[float64]string{
		0: "0 s", 0.0123: "12.3 ms", 28: "28 s", 44.84: "44.8 s", 119.6: "2 min 0 s", 3600: "1 h 0 min",
		8700: "2 h 25 min", 3 * 86400: "3 days", 1e9: "31.7 years", 1e10: "> 200 years",
	} {
		if got := plan.Short(s); got != want {
			t.Errorf("%v s is %q, want %q", s, got, want)
		}
	}
	for p, want := range map[float64]string{0: "0 %", 0.5: "50 %", 0.9375: "93.8 %", 0.999: "99.9 %", 0.999375: "99.938 %", 0.99999999: "> 99.9999 %", 1: "100 %", 0.00123: "0.12 %"} {
		if got := plan.Percent(p); got != want {
			t.Errorf("%v is %q, want %q", p, got, want)
		}
	}
}
