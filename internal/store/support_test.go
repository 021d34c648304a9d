package store

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/feed"
)

// rig is a store under test that can be closed and opened again.
type rig struct {
	*Store
	t   testing.TB
	cfg Config
}

// over runs one test over every kind of store.
func over(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Run("memory", func(t *testing.T) { test(t, newRig(t, Config{})) })
	t.Run("disk", func(t *testing.T) { test(t, diskRig(t)) })
}

func diskRig(t testing.TB) *rig {
	dir := t.TempDir()
	return newRig(t, Config{Database: filepath.Join(dir, "a ?#%b", "moot.db"), Blobs: filepath.Join(dir, "blobs")})
}

func newRig(t testing.TB, cfg Config) *rig {
	r := &rig{t: t, cfg: cfg}
	r.open()
	t.Cleanup(func() { r.Close() })
	return r
}

func (r *rig) open() {
	r.t.Helper()
	s, err := Open(r.t.Context(), r.cfg)
	must(r.t, err)
	r.Store = s
}

func (r *rig) reopen() {
	r.t.Helper()
	must(r.t, r.Close())
	r.open()
}

// signer writes one author's feed.
type signer struct {
	key  ed25519.PrivateKey
	last moot.Entry
}

var testSpace = moot.SpaceID{1, 2, 3}

func newSigner(name string) *signer {
	seed := sha256.Sum256([]byte(name))
	return &signer{key: ed25519.NewKeyFromSeed(seed[:])}
}

func (p *signer) id() moot.Key { return moot.Key(p.key.Public().(ed25519.PublicKey)) }

// numbers are entries' numbers by author.
type numbers map[moot.Key]uint64

// upTo returns the vector of who holds every author's entries up to a number.
func upTo(n numbers) moot.Vector {
	v := moot.Vector{Heads: map[moot.Key][]moot.Head{}}
	for author, seq := range n {
		v.Heads[author] = []moot.Head{{Seq: seq}}
	}
	return v
}

// file writes the next entry; a body of "" deletes.
func (p *signer) file(key, body string, replaces ...moot.Entry) moot.Entry {
	return p.write(moot.KindFile, key, body, replaces...)
}

func (p *signer) write(kind moot.Kind, key, body string, replaces ...moot.Entry) moot.Entry {
	e := p.sign(kind, key, body, replaces...)
	p.last = e
	return e
}

// sign returns a possible next entry; the feed does not advance.
func (p *signer) sign(kind moot.Kind, key, body string, replaces ...moot.Entry) moot.Entry {
	e := moot.Entry{Space: testSpace, Seq: p.last.Seq + 1, Prev: p.last.ID, Time: p.last.Time + 1<<16, Kind: kind, Key: key}
	for _, r := range replaces {
		e.Replaces = append(e.Replaces, r.ID)
	}
	if body != "" {
		e.Body = []byte(body)
	}
	feed.Sign(p.key, &e)
	return e
}

// act writes the next entry, an act that cites others.
func (p *signer) act(key string, cites ...moot.Entry) moot.Entry {
	e := moot.Entry{Space: testSpace, Seq: p.last.Seq + 1, Prev: p.last.ID, Time: p.last.Time + 1<<16, Kind: moot.KindAct, Key: key, Body: []byte(key)}
	for _, c := range cites {
		e.Cites = append(e.Cites, c.ID)
	}
	slices.SortFunc(e.Cites, func(a, b moot.EntryID) int { return bytes.Compare(a[:], b[:]) })
	feed.Sign(p.key, &e)
	p.last = e
	return e
}

// copied returns another signer that goes on from here with the same key.
func (p *signer) copied() *signer {
	q := *p
	return &q
}

// headOf returns an entry as the end of a feed.
func headOf(e moot.Entry) moot.Head { return moot.Head{Seq: e.Seq, ID: e.ID} }

// holding returns the vector of who holds entries and what precedes them.
func holding(entries ...moot.Entry) moot.Vector {
	v := moot.Vector{Heads: map[moot.Key][]moot.Head{}}
	for _, e := range entries {
		v.Heads[e.Author] = append(v.Heads[e.Author], headOf(e))
	}
	return v
}

// replica asks for all entries that since does not cover.
func replica(since moot.Vector) moot.Query {
	return moot.Query{History: true, Replica: true, Since: since}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, kind moot.ErrorKind) {
	t.Helper()
	if !errors.Is(err, kind) || moot.KindOf(err) != kind {
		t.Fatalf("got error %v of kind %q, want kind %q", err, moot.KindOf(err), kind)
	}
}

func (r *rig) append(entries ...moot.Entry) {
	r.t.Helper()
	must(r.t, r.Append(r.t.Context(), moot.Merge, entries...))
}

// bodies returns the bodies of what a query yields.
func (r *rig) bodies(q moot.Query) []string {
	r.t.Helper()
	got := []string{}
	for _, e := range r.query(q) {
		got = append(got, string(e.Body))
	}
	return got
}

func (r *rig) query(q moot.Query) []moot.Entry {
	r.t.Helper()
	all, err := collect(r.Query(r.t.Context(), q))
	must(r.t, err)
	return all
}

func collect[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// content returns n bytes that are the same for the same seed.
func content(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func (r *rig) put(data []byte) moot.Blob {
	r.t.Helper()
	b, err := r.Put(r.t.Context(), bytes.NewReader(data))
	must(r.t, err)
	return b
}

// get returns the verified bytes of a stretch.
func (r *rig) get(id moot.BlobID, rng moot.Range) ([]byte, error) {
	rc, err := r.Get(r.t.Context(), id, rng)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(blob.NewDecoder(rc, id, rng))
}
