package tree

import (
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// seeds returns how many runs the property test makes; MOOT_TREE_SEEDS asks for more.
func seeds(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("MOOT_TREE_SEEDS"))
	if err != nil {
		return defaultSeeds
	}
	t.Logf("%d seeds", n)
	return n
}

// TestProperties lets members change a tree and exchange parts of what they said, and
// compares everybody's tree with the model.
func TestProperties(t *testing.T) {
	t.Parallel()
	const shards = 4
	runs, totals := seeds(t), [shards]counters{}
	t.Run("seeds", func(t *testing.T) {
		for shard := range shards {
			t.Run(strconv.Itoa(shard), func(t *testing.T) {
				t.Parallel()
				for seed := shard; seed < runs; seed += shards {
					s := newSim(t, uint64(seed))
					s.run()
					totals[shard].add(s.counters)
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
			})
		}
	})
	var total counters
	for _, c := range totals {
		total.add(c)
	}
	t.Logf("%+v", total)
	for what, n := range map[string]int{
		"operations": total.ops, "moves": total.moves, "refused cycles": total.cycles, "unions": total.unions,
		"conflicts": total.conflicts, "removals": total.removals, "old entries": total.legacy,
	} {
		if n == 0 {
			t.Errorf("no %s: the test is empty", what)
		}
	}
}

type counters struct{ ops, moves, cycles, unions, conflicts, removals, legacy int }

func (c *counters) add(o counters) {
	c.ops, c.moves, c.cycles, c.unions = c.ops+o.ops, c.moves+o.moves, c.cycles+o.cycles, c.unions+o.unions
	c.conflicts, c.removals, c.legacy = c.conflicts+o.conflicts, c.removals+o.removals, c.legacy+o.legacy
}

// sim is a space of a few members, each of whom has a prefix of each one's feed.
type sim struct {
	*rand.Rand
	counters
	t     *testing.T
	feeds [][]moot.Entry
	peers []*peer
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{Rand: rand.New(rand.NewPCG(seed, 1)), t: t}
	members := 2 + s.IntN(4)
	s.feeds = make([][]moot.Entry, members)
	for i := range members {
		p := &peer{sim: s, number: i, tree: New(Config{}), has: make([]int, members), cache: map[ID]string{}}
		p.skew = time.Duration(s.IntN(7)-3) * 24 * time.Hour
		s.peers = append(s.peers, p)
	}
	return s
}

func (s *sim) run() {
	first := s.peers[0]
	e := first.tree.Edit(Nonce{9})
	for _, name := range []string{"a", "d", "b.txt"} {
		if _, err := e.Folder(name, Content{}, 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	first.commit(e, 0)
	for _, p := range s.peers[1:] {
		p.take(0, 1)
	}
	for step := range 10 + s.IntN(60) {
		p := s.peers[s.IntN(len(s.peers))]
		if s.IntN(3) > 0 {
			p.act(step)
		} else {
			p.receive(s.peers[s.IntN(len(s.peers))])
		}
		if s.IntN(8) == 0 {
			p.check()
		}
	}
	all := slices.Concat(s.feeds...)
	m := newModel(slices.Clone(all))
	want := m.tree()
	for _, p := range s.peers {
		for a := range s.feeds {
			p.take(a, len(s.feeds[a]))
		}
		s.compare(p.tree, want)
	}
	s.peers[0].checkChanged()
	s.lost(s.peers[0].tree, m)
	s.shuffled(all, want)
	for _, move := range s.peers[0].tree.moves {
		if move.skipped {
			s.cycles++
		}
	}
}

func (s *sim) compare(tree *Tree, want map[string]string) {
	got := map[string]string{}
	for path, r := range tree.Walk("") {
		if _, twice := got[path]; twice {
			s.t.Errorf("%s is there twice", path)
		}
		got[path] = describeRow(r)
		if r.Conflict {
			s.conflicts++
		}
		s.unions += max(len(r.Folders), 1) - 1
		if at, ok := tree.Path(r.Item); !ok || !r.Copy && at != path {
			s.t.Errorf("the item of %q has the path %q %v", path, at, ok)
		}
		if same, ok := tree.Lookup(path); !ok || !reflect.DeepEqual(same, r) {
			s.t.Errorf("%q is %+v, listed as %+v", path, same, r)
		}
		if r.Type != Folder && !slices.ContainsFunc(tree.History(path), func(h Stated) bool { return h.Version == r.Version }) {
			s.t.Errorf("the history of %q lacks what is shown", path)
		}
	}
	if !maps.Equal(got, want) {
		s.t.Errorf("shown:\n%v\nwanted:\n%v", got, want)
	}
	s.sound(tree)
}

// sound checks what the index is made of.
func (s *sim) sound(tree *Tree) {
	live := map[*node]int{}
	for _, n := range tree.nodes {
		steps := 0
		for at := n; at != nil; at = at.parent {
			if at.dir != nil && len(n.current) > 0 {
				live[at]++
			}
			if steps++; steps > len(tree.nodes) {
				s.t.Fatal("a cycle")
			}
		}
	}
	for _, n := range tree.nodes {
		if n.dir != nil && n.dir.live != live[n] {
			s.t.Errorf("%q counts %d items alive, and has %d", n.name, n.dir.live, live[n])
		}
		if n != tree.root && !slices.Contains(n.parent.dir.ever(n.name, nil), n) {
			s.t.Errorf("%q is not in its folder", n.name)
		}
	}
}

// lost checks that every version that nobody replaced is shown.
func (s *sim) lost(tree *Tree, m *model) {
	shown := map[Version]bool{}
	for _, r := range tree.Walk("") {
		for _, v := range append(r.Same, r.Version) {
			shown[v] = true
		}
	}
	for _, n := range m.items {
		for _, v := range n.force {
			if n.Type != Folder && !shown[v.version()] {
				s.t.Errorf("a version of %q is lost", n.name)
			}
		}
	}
}

// shuffled checks that the order of arrival does not matter.
func (s *sim) shuffled(all []moot.Entry, want map[string]string) {
	for batch := range 2 {
		s.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		tree := New(Config{})
		if batch == 1 {
			tree.ApplyAll(slices.Values(all), nil)
		} else {
			for _, e := range all {
				if err := tree.Apply(e); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		s.compare(tree, want)
	}
}
