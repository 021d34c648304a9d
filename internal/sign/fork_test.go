package sign

import (
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// copyAll brings everything that one node holds to another.
func copyAll(t *testing.T, from, to moot.Feeds) {
	t.Helper()
	for e, err := range from.Query(t.Context(), moot.Query{History: true, Replica: true}) {
		must(t, err)
		must(t, to.Append(t.Context(), moot.Merge, e))
	}
}

// twoCopies returns two signers of one feed, each with a store of its own, that have
// written "a" and then "b" and "c" without knowing of one another.
func twoCopies(t *testing.T) (stores [2]*node, signers [2]*Signer, ends [2]moot.Entry) {
	t.Helper()
	stores = [2]*node{newNode(t), newNode(t)}
	_, err := One(t.Context(), newSigner(t, stores[0], nil).Through(stores[0]), moot.Merge, statement("a"))
	must(t, err)
	copyAll(t, stores[0], stores[1])
	for i, name := range []string{"b", "c"} {
		signers[i] = newSigner(t, stores[i], nil)
		ends[i], err = One(t.Context(), signers[i].Through(stores[i]), moot.Merge, statement(name))
		must(t, err)
	}
	return stores, signers, ends
}

// TestAForkEndsTheFeed: a signer whose store has learnt of another branch writes no more,
// and neither does one that is made anew.
func TestAForkEndsTheFeed(t *testing.T) {
	stores, signers, _ := twoCopies(t)
	copyAll(t, stores[0], stores[1])
	before := len(stores[1].batches)
	for _, s := range []*Signer{signers[1], newSigner(t, stores[1], nil)} {
		for range 2 {
			_, err := One(t.Context(), s.Through(stores[1]), moot.Merge, statement("d"))
			wantKind(t, "on a forked feed", err, moot.Fork)
		}
	}
	if len(stores[1].batches) != before {
		t.Errorf("stored %q", stores[1].batches[before:])
	}
}

// TestANodeKnowsOfAFork: the first thing that a signer does through a node is to ask for
// what it holds, whichever branch is the longer.
func TestANodeKnowsOfAFork(t *testing.T) {
	for _, more := range []int{0, 1} {
		stores, signers, _ := twoCopies(t)
		_, err := One(t.Context(), signers[more].Through(stores[more]), moot.Merge, statement("longer"))
		must(t, err)
		_, err = One(t.Context(), newSigner(t, stores[1], nil).Through(stores[0]), moot.Merge, statement("d"))
		wantKind(t, "a node with another branch", err, moot.Fork)
		vector, err := stores[1].Vector(t.Context())
		must(t, err)
		if len(vector.Heads[self]) != 2 {
			t.Errorf("the proof did not arrive: %v", vector)
		}
	}
}

// TestOneActOnABranch: a feed that has forked is retired at the end of the branch that
// others have.
func TestOneActOnABranch(t *testing.T) {
	stores, signers, ends := twoCopies(t)
	copyAll(t, stores[0], stores[1])
	head := moot.Head{Seq: ends[0].Seq, ID: ends[0].ID}
	w := signers[1].On(stores[1], head)
	act, err := One(t.Context(), w, moot.Merge, Statement{Kind: moot.KindAct, Key: "retire", Body: []byte("heir")})
	must(t, err)
	if act.Prev != ends[0].ID || act.Seq != ends[0].Seq+1 {
		t.Errorf("entry %d after %v", act.Seq, act.Prev)
	}
	_, err = One(t.Context(), w, moot.Merge, statement("once more"))
	wantKind(t, "on the branch that has grown", err, moot.Conflict)
	_, err = One(t.Context(), signers[1].Through(stores[1]), moot.Merge, statement("d"))
	wantKind(t, "elsewhere", err, moot.Fork)
	copyAll(t, stores[1], stores[0])
	_, err = One(t.Context(), signers[0].Through(stores[0]), moot.Merge, statement("d"))
	wantKind(t, "the other copy", err, moot.Fork)
}

// TestWhatAnotherNodeStoredIsContinued: an entry that only a node has which is away now is
// not written again.
func TestWhatAnotherNodeStoredIsContinued(t *testing.T) {
	local, remote := newNode(t), newNode(t)
	s := newSigner(t, local, nil)
	_, err := One(t.Context(), s.Through(remote), moot.Merge, statement("a"))
	must(t, err)
	_, err = s.Through(remote).Append(t.Context(), moot.Merge, statement("b"), statement("c"))
	must(t, err)
	wantKeys(t, "the local feed", feedOf(t, local), "a")
	e, err := One(t.Context(), s.Through(local), moot.Merge, statement("d"))
	must(t, err)
	wantKeys(t, "the local feed", feedOf(t, local), "a", "b", "c", "d")
	must(t, remote.Append(t.Context(), moot.Merge, e))
	wantKeys(t, "the node's feed", feedOf(t, remote), "a", "b", "c", "d")
}

// TestWhatCannotBeContinued: nothing is written while what comes before is missing.
func TestWhatCannotBeContinued(t *testing.T) {
	local, remote, empty := newNode(t), newNode(t), newNode(t)
	s := newSigner(t, local, nil)
	for _, name := range []string{"a", "b"} {
		_, err := One(t.Context(), s.Through(remote), moot.Merge, statement(name))
		must(t, err)
	}
	s.local = empty // as if the local store had been exchanged
	_, err := One(t.Context(), s.Through(empty), moot.Merge, statement("c"))
	wantKind(t, "without what comes before", err, moot.Unavailable)
	_, err = One(t.Context(), s.Through(remote), moot.Merge, statement("c"))
	must(t, err)
	wantKeys(t, "the node's feed", feedOf(t, remote), "a", "b", "c")
}

// TestABodyThatIsMissing: a vector stops before it; the feed does not.
func TestABodyThatIsMissing(t *testing.T) {
	whole, local := newNode(t), newNode(t)
	_, err := newSigner(t, whole, nil).Through(whole).Append(t.Context(), moot.Merge, statement("a"), statement("b"), statement("c"))
	must(t, err)
	for e, err := range whole.Query(t.Context(), moot.Query{History: true}) {
		must(t, err)
		if e.Seq != 3 {
			e.Body = nil
		}
		must(t, local.Append(t.Context(), moot.Merge, e))
	}
	_, err = One(t.Context(), newSigner(t, local, nil).Through(local), moot.Merge, statement("d"))
	must(t, err)
	wantKeys(t, "the feed", feedOf(t, local), "a", "b", "c", "d")
}

// TestRestoredWithActs: own acts come back together with the acts of others that they cite.
func TestRestoredWithActs(t *testing.T) {
	remote, local := newNode(t), newNode(t)
	other := feed.NewAuthor(space, ed25519Key(2), clock(), nil).NextAct("other", nil, []byte("x"))
	must(t, remote.Append(t.Context(), moot.Merge, other))
	act := Statement{Kind: moot.KindAct, Key: "mine", Body: []byte("y"), Cites: []moot.EntryID{other.ID}}
	_, err := One(t.Context(), newSigner(t, remote, nil).Through(remote), moot.Merge, act)
	must(t, err)
	e, err := One(t.Context(), newSigner(t, local, nil).Through(remote), moot.Merge, statement("b"))
	must(t, err)
	if e.Seq != 2 {
		t.Errorf("continued as entry %d", e.Seq)
	}
	wantKeys(t, "the local feed", feedOf(t, local), "mine")
}

// TestFoundingASpace: the founder's first act has no space, and is the space of all that
// follows; one that is refused founds nothing.
func TestFoundingASpace(t *testing.T) {
	n := newNode(t)
	n.refuse = "bad"
	s, err := New(t.Context(), Config{Self: self, Author: feed.NewAuthor(moot.SpaceID{}, key, clock(), nil), Local: n})
	must(t, err)
	found := func(key string) ([]moot.Entry, error) {
		return s.Through(n).Append(t.Context(), moot.Merge, Statement{Kind: moot.KindAct, Key: key, Body: []byte("name")}, statement("file"))
	}
	_, err = found("bad")
	wantKind(t, "refused", err, moot.Denied)
	entries, err := found("space")
	must(t, err)
	if !entries[0].Space.IsZero() || entries[1].Space != moot.SpaceID(entries[0].ID) {
		t.Errorf("spaces %s and %s", entries[0].Space, entries[1].Space)
	}
}
