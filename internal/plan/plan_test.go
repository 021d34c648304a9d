package plan_test

import (
	"encoding/json"
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

// example is a group for calculation by hand: F = 800 Mbit, source 10, server 100 up and
// down, members 10 up and 50 down, in Mbit/s.
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

// answer is that of the architecture with this name.
func answer(t rapid.TB, p plan.Plan, name string) plan.Answer {
	t.Helper()
	for _, a := range p.Answers {
		if a.Architecture.Name() == name {
			return a
		}
	}
	t.Fatalf("no answer for %s", name)
	return plan.Answer{}
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
		for i, want := range []float64{c.server, c.peer, c.both} {
			if a := p.Answers[i]; !near(a.All(), want) {
				t.Errorf("%s: %s takes %v s, want %v", c.name, a.Architecture.Name(), a.All(), want)
			}
		}
	}
}

// TestUploadByHand: where the server helps, all send for the whole 47.8 s.
func TestUploadByHand(t *testing.T) {
	g := example(20)
	g.Source.Up = 40e6
	p := answers(t, g)
	took := p.Answers[2].All()
	for i, want := range []plan.Upload{
		{Server: 20 * 100e6, Source: 100e6},
		{Source: 333_333_333, Members: 1_666_666_667},
		{Server: int64(12.5e6 * took), Source: int64(5e6 * took), Members: int64(25e6 * took)},
	} {
		got := p.Answers[i].Upload
		for _, d := range []int64{got.Server - want.Server, got.Source - want.Source, got.Members - want.Members} {
			if d < -100 || d > 100 {
				t.Errorf("%s: %+v, want %+v", p.Answers[i].Architecture.Name(), got, want)
			}
		}
	}
}

// TestReplicationByHand: published figures of replicas, codes and upkeep.
func TestReplicationByHand(t *testing.T) {
	for _, c := range []struct {
		k    int
		p    float64
		want int
	}{{1, 0.5, 10}, {4, 0.5, 21}, {8, 0.5, 33}, {1, 0.8, 5}, {4, 0.8, 10}, {8, 0.8, 17}, {1, 1, 1}} {
		if n, ok := plan.MinCopies(c.k, c.p, 0.999, 100); !ok || n != c.want {
			t.Errorf("any %d at %v: %d copies, %v; want %d", c.k, c.p, n, ok, c.want)
		}
	}
	if _, ok := plan.MinCopies(1, 0.5, 0.999, 9); ok {
		t.Error("nine copies at 0.5 reach 0.999")
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
	for i, want := range [][2]int{{2, 0}, {0, 10}, {1, 4}} {
		if r := p.Answers[i].Replication; !r.Reached || r.Servers != want[0] || r.Copies != want[1] {
			t.Errorf("%s: %+v, want %v", p.Answers[i].Architecture.Name(), r, want)
		}
	}
	if r := answer(t, answers(t, example(8)), "peer-to-peer").Replication; r.Reached {
		t.Errorf("nine members at 0.5 reach 0.999: %+v", r)
	}
}

// TestPropagationByHand: the depth of gossip trees, and the bound that package gossip declares.
func TestPropagationByHand(t *testing.T) {
	for n, want := range map[int]int{1: 1, 6: 1, 7: 2, 36: 2, 37: 3, 100: 3, 1000: 5} {
		if got := plan.Depth(n); got != want {
			t.Errorf("%d nodes: %d hops, want %d", n, got, want)
		}
	}
	if got := gossip.Bound(gossip.DefaultInterval); got != plan.ConvergenceBound {
		t.Errorf("package gossip declares %v, and plan %v", got, plan.ConvergenceBound)
	}
	for n, want := range map[int][]plan.Propagation{
		20: {
			{Authority: plan.ServerDecides, Hops: [2]int{2, 2}, Messages: [2]int{21, 21}},
			{Authority: plan.PeersDecide, Hops: [2]int{1, 2}, Messages: [2]int{20, 120}},
			{Authority: plan.BothDecide, Hops: [2]int{1, 2}, Messages: [2]int{21, 141}},
		},
		2: { // fewer neighbours than D
			{Authority: plan.ServerDecides, Hops: [2]int{2, 2}, Messages: [2]int{3, 3}},
			{Authority: plan.PeersDecide, Hops: [2]int{1, 1}, Messages: [2]int{2, 4}},
			{Authority: plan.BothDecide, Hops: [2]int{1, 2}, Messages: [2]int{3, 7}},
		},
	} {
		for i, a := range answers(t, example(n)).Answers {
			bound := *a.Propagation.Bound
			if a.Propagation.Bound = nil; a.Propagation != want[i] || (bound == 0) != (i == 0) {
				t.Errorf("%s for %d: %+v within %v s, want %+v", a.Architecture.Name(), n, a.Propagation, bound, want[i])
			}
		}
	}
	p := answers(t, example(62)) // and the source and the server: 64
	if b := answer(t, p, "peer-to-peer").Propagation.Bound; b == nil || *b != 30 {
		t.Errorf("a group of 64: %v", b)
	}
	if b := answer(t, answers(t, example(64)), "hybrid").Propagation.Bound; b != nil {
		t.Errorf("a bound of %v s is declared for more than 64", *b)
	}
}

func TestRecommended(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*plan.Group)
		want   string // the name of an architecture
		why    string
	}{
		{"no server", func(g *plan.Group) { g.Servers = 0 }, "peer-to-peer", "There is no server"},
		{"no server, but control", func(g *plan.Group) { g.Servers, g.Control = 0, true }, "peer-to-peer", "A server changes that"},
		{"control", func(g *plan.Group) { g.Control = true }, "client-server", "One place must decide"},
		{"members add nothing", func(g *plan.Group) {
			g.AtServer, g.ServerOnline = true, 0.9999
			for i := range g.Members {
				g.Members[i].Up = 0.1e6
			}
		}, "client-server", "too little to add"},
		{"members add nothing, but the server is often down", func(g *plan.Group) {
			g.AtServer = true
			for i := range g.Members {
				g.Members[i].Up = 0.1e6
			}
		}, "hybrid", "99.938 %"},
		{"a slow server and members that are always up", func(g *plan.Group) { g.Server.Up, g.Online = 1e6, 0.9 }, "peer-to-peer", "A server would add too little"},
		{"both add", func(*plan.Group) {}, "hybrid", "All 20 have the file after 1 min 20 s"},
	} {
		g := example(20)
		c.change(&g)
		p := answers(t, g)
		if why := strings.Join(p.Why, " "); p.Recommended.Name() != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %s because %q; want %s because %q", c.name, p.Recommended.Name(), why, c.want, c.why)
		}
		if answer(t, p, c.want); len(p.Why) > 4 {
			t.Errorf("%s: %s in %d sentences", c.name, c.want, len(p.Why))
		}
	}
}

func TestCheck(t *testing.T) {
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

func TestFormat(t *testing.T) {
	for s, want := range map[float64]string{
		0: "0 s", 0.0123: "12.3 ms", 28: "28 s", 44.84: "44.8 s", 119.6: "2 min 0 s", 3600: "1 h 0 min",
		8700: "2 h 25 min", 3 * 86400: "3 days", 1e9: "31.7 years", 1e10: "> 200 years",
	} {
		if got := plan.FormatSeconds(s); got != want {
			t.Errorf("%v s is %q, want %q", s, got, want)
		}
	}
	for p, want := range map[float64]string{0: "0 %", 0.5: "50 %", 0.9375: "93.8 %", 0.999: "99.9 %", 0.999375: "99.938 %", 0.99999999: "> 99.9999 %", 1: "100 %", 0.00123: "0.12 %"} {
		if got := plan.FormatPercent(p); got != want {
			t.Errorf("%v is %q, want %q", p, got, want)
		}
	}
}

// TestJSON: architectures by name, and absent or zero bounds, as scripts of version
// 0.1.0 read them.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(answers(t, example(64)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"answers":[{"architecture":"client-server","reach":[{"members":1,"seconds":`,
		`{"architecture":"peer-to-peer",`, `{"architecture":"hybrid",`, `"recommended":"hybrid","why":["`,
		`"sends":{"server":`, `"available_at_first":0.99,"available_later":0.99,"kept":{"reached":true,"servers":2,`,
		`"told":{"decides":"server","hops":[2,2],"messages":[65,65],"within_seconds":0}`,
		`"told":{"decides":"each peer","hops":[1,3],"messages":[64,384]}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	var read plan.Plan
	if err := json.Unmarshal(text, &read); err != nil || read.Recommended != answers(t, example(64)).Recommended {
		t.Errorf("read back: %+v, %v", read.Recommended, err)
	}
}

// TestSummary: an unlimited uplink makes the sum unlimited.
func TestSummary(t *testing.T) {
	g := example(3)
	g.Members[1].Down = 20e6
	if s := g.Summary(); s.Members != 3 || s.UpTotal != 30e6 || s.DownLeast != 20e6 || s.SourceUp != 10e6 || s.Lifetime != 30*24*3600 {
		t.Errorf("%+v", s)
	}
	g.Members[0].Up, g.AtServer = 0, true
	if s := g.Summary(); s.UpTotal != 0 || s.SourceUp != 100e6 {
		t.Errorf("with an unlimited uplink, at the server: %+v", s)
	}
}
