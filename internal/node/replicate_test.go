package node

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
)

func memoryStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// servers is an uploader's view of servers, each with a store.
type servers struct {
	peers  []moot.Peer
	stores map[moot.Key]*store.Store
}

func (s servers) uploader(local moot.Blobs) *uploader {
	return &uploader{
		local: local, servers: func(context.Context) []moot.Peer { return s.peers }, log: slog.New(slog.DiscardHandler), more: make(chan struct{}, 1),
		dial: func(p moot.Peer) (moot.Node, error) {
			if n := s.stores[p.ID]; n != nil {
				return n, nil
			}
			return nil, moot.Errorf(moot.Unavailable, "it does not answer")
		},
	}
}

func put(t *testing.T, s *store.Store, text string) moot.BlobID {
	t.Helper()
	b, err := s.Put(t.Context(), strings.NewReader(text))
	must(t, err)
	return b.ID
}

func TestUploaderSkipsServersThatFetch(t *testing.T) {
	web, peer := memoryStore(t), memoryStore(t)
	local := memoryStore(t)
	all := servers{
		[]moot.Peer{{ID: eve, Addrs: []string{"https://gone"}}, {ID: ann, Addrs: []string{"https://a"}}, {ID: ben, Addrs: []string{"https://b", "/ip4/1.2.3.4/tcp/1"}}},
		map[moot.Key]*store.Store{ann: web, ben: peer},
	}
	u := all.uploader(local)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { u.run(ctx); close(ended) }()
	first := put(t, local, "first")
	u.add(first)
	until(t, "the server that is no peer has the blob", func() bool { return complete(t.Context(), web, first) })
	cancel()
	<-ended
	if complete(t.Context(), peer, first) {
		t.Error("a server that fetches by itself was given the blob")
	}
	second := put(t, local, "second")
	u.add(first)
	u.add(second)
	u.add(moot.BlobID{1}) // nothing of it is held
	u.flush(t.Context())
	for _, s := range all.stores {
		if !complete(t.Context(), s, second) || !complete(t.Context(), s, first) {
			t.Error("a session's end left a server without a blob")
		}
	}
	if left := u.take(); len(left) != 3 {
		t.Errorf("%d blobs are queued for the server that does not answer", len(left))
	}
}

// TestUploaderTriesAgain: what a server did not take is handed over once it answers.
func TestUploaderTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local, web := memoryStore(t), memoryStore(t)
		server := &away{Node: web}
		u := &uploader{
			local: local, log: slog.New(slog.DiscardHandler), more: make(chan struct{}, 1),
			servers: func(context.Context) []moot.Peer { return []moot.Peer{{ID: ann, Addrs: []string{"https://a"}}} },
			dial:    func(moot.Peer) (moot.Node, error) { return server, nil },
		}
		var ids []moot.BlobID
		for i := range 500 {
			ids = append(ids, put(t, local, strconv.Itoa(i)))
		}
		ids = append(ids, put(t, local, strings.Repeat("large", moot.MaxSmall)))
		ctx, cancel := context.WithCancel(t.Context())
		server.gone.Store(true)
		go u.run(ctx)
		u.add(ids...)
		time.Sleep(time.Minute)
		server.gone.Store(false)
		time.Sleep(lastRetry)
		held, err := web.HaveMany(t.Context(), ids)
		if err != nil || slices.Contains(held, false) {
			t.Error("the server lacks some:", err)
		}
		if n := server.calls.Load(); n > 20 {
			t.Errorf("%d requests", n)
		}
		if len(u.take()) != 0 {
			t.Error("what was handed over is still queued")
		}
		cancel()
		synctest.Wait()
	})
}

// away is a server that may not answer, and counts what it is asked.
type away struct {
	moot.Node
	gone  atomic.Bool
	calls atomic.Int64
}

func (a *away) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	if a.calls.Add(1); a.gone.Load() {
		return nil, moot.Errorf(moot.Unavailable, "it does not answer")
	}
	return a.Node.HaveMany(ctx, ids)
}

func (a *away) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	a.calls.Add(1)
	return a.Node.PutMany(ctx, contents)
}

func (a *away) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	a.calls.Add(1)
	return a.Node.Put(ctx, r)
}

// spiedNode is a node whose reads are counted, and whose Watch can fail.
type spiedNode struct {
	moot.Node
	mu    sync.Mutex
	gets  map[moot.BlobID]int
	watch func(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error]
	err   error // of Vector
}

func (s *spiedNode) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	s.mu.Lock()
	s.gets[id]++
	s.mu.Unlock()
	return s.Node.Get(ctx, id, r)
}

func (s *spiedNode) Vector(ctx context.Context) (moot.Vector, error) {
	if s.err != nil {
		return moot.Vector{}, s.err
	}
	return s.Node.Vector(ctx)
}

func (s *spiedNode) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	if s.watch != nil {
		return s.watch(ctx, since)
	}
	return s.Node.Watch(ctx, since)
}

func TestMirrorFetchesWhatNamesStandFor(t *testing.T) {
	owner := founder(t, Config{})
	s := session(t, owner, viaPeers)
	f := write(t, s, "file", "some text")
	_, err := s.Files.Share(t.Context(), folder(t, "part", "part of a folder"), files.ShareOptions{As: "folder"})
	must(t, err)
	unnamed := put(t, owner.store, "without a name")
	mirrorNode := newNode(t, Config{Key: benKey})
	admit(t, owner, mirrorNode, policy.RoleServer)
	learn(t, mirrorNode, owner)

	from := &spiedNode{Node: puttingThrough{owner.store, mirrorNode.store}, gets: map[moot.BlobID]int{}}
	m := newMirror(mirrorConfig{index: mirrorNode.files.index, local: mirrorNode.store, peers: from, every: time.Hour, rules: owner.fileRules, now: time.Now, log: owner.cfg.Log})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { m.run(ctx); close(ended) }()
	part := blobOf(t, owner, "part of a folder")
	list := frozen(t, s, "frozen", "part of a frozen folder")
	learn(t, mirrorNode, owner)
	for _, id := range []moot.BlobID{f.Blob.ID, part, list.Blob.ID, blobOf(t, owner, "part of a frozen folder")} {
		until(t, "the mirror has a named blob", func() bool { return complete(t.Context(), mirrorNode.store, id) })
	}
	later := write(t, s, "later", "written while it runs")
	learn(t, mirrorNode, owner)
	until(t, "an entry makes the mirror look again", func() bool { return complete(t.Context(), mirrorNode.store, later.Blob.ID) })
	cancel()
	<-ended
	if complete(t.Context(), mirrorNode.store, unnamed) {
		t.Error("the mirror fetched what no name stands for")
	}
}

// puttingThrough is a node that stores what it reads, as a node that asks others does.
type puttingThrough struct {
	moot.Node
	into *store.Store
}

func (p puttingThrough) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	rc, err := p.Node.Get(ctx, id, r)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	if err := copyBlob(ctx, p.Node, p.into, id); err != nil {
		return nil, err
	}
	return p.into.Get(ctx, id, r)
}

func copyBlob(ctx context.Context, from moot.Node, into *store.Store, id moot.BlobID) error {
	u := &uploader{local: from}
	return u.uploadOne(ctx, into, id)
}

func TestPartnersAreKnownOnce(t *testing.T) {
	n := founder(t, Config{Known: Known{Servers: []moot.Peer{{ID: ann, Addrs: []string{"https://self"}}, {ID: ben, Addrs: []string{"https://b"}}}, Peers: []moot.Peer{{ID: ben, Addrs: []string{"/ip4/127.0.0.1/tcp/1"}}, {ID: eve, Addrs: []string{"/ip4/127.0.0.1/tcp/2"}}, {ID: moot.Key{9}}}}})
	if got := ids(n.entries.partners(t.Context())); !slices.Equal(got, []moot.Key{ben}) {
		t.Errorf("without links with peers there are %d partners", len(got))
	}
	connect(t, n, false)
	if got := ids(n.entries.partners(t.Context())); !slices.Equal(got, []moot.Key{ben, eve}) {
		t.Errorf("with links there are %d partners: strangers without an address are none", len(got))
	}
}

func TestAnnouncedServersReplaceStrangersOfTheInvitation(t *testing.T) {
	n := founder(t, Config{Key: annKey, Known: Known{Servers: []moot.Peer{{ID: eve, Addrs: []string{"https://eve"}}}}})
	if got := ids(n.network.Servers(t.Context())); !slices.Equal(got, []moot.Key{eve}) {
		t.Errorf("before any announcement: %v", got)
	}
	if n.routes.preferred(t.Context()) != viaBoth {
		t.Error("a node with a server and peers does not prefer both")
	}
	server := newNode(t, Config{Key: benKey})
	admit(t, n, server, policy.RoleServer)
	announced(t, server, "https://ben")
	learn(t, n, server)
	got := n.network.Servers(t.Context())
	if !slices.Equal(ids(got), []moot.Key{ben}) || got[0].Addrs[0] != "https://ben" {
		t.Errorf("after an announcement: %v", got)
	}
}

func TestRoutesAreMadeAnewWhenServersChange(t *testing.T) {
	n := founder(t, Config{Known: Known{Servers: []moot.Peer{{ID: eve, Addrs: []string{"https://127.0.0.1:1"}}}}})
	n.routes.refresh(t.Context())
	old, err := n.routes.through(t.Context(), viaServer)
	must(t, err)
	n.routes.refresh(t.Context())
	if same, err := n.routes.through(t.Context(), viaServer); err != nil || same != old {
		t.Errorf("nothing changed, and the route was made anew (%v)", err)
	}
	server := newNode(t, Config{Key: benKey})
	admit(t, n, server, policy.RoleServer)
	announced(t, server, "https://127.0.0.1:2")
	learn(t, n, server)
	n.routes.refresh(t.Context())
	changed, err := n.routes.through(t.Context(), viaServer)
	must(t, err)
	if changed == old {
		t.Error("the servers changed, and the route is the old")
	}
	announced(t, server, "https://127.0.0.1:3")
	learn(t, n, server)
	n.routes.refresh(t.Context())
	if moved, err := n.routes.through(t.Context(), viaServer); err != nil || moved == changed {
		t.Errorf("a server moved, and the route is the old (%v)", err)
	}
}

func TestRouteThatIsNotThere(t *testing.T) {
	n := founder(t, Config{})
	if _, err := n.Session(t.Context(), viaServer); moot.KindOf(err) != moot.Unavailable || moot.HintOf(err) != moot.HintStartServer {
		t.Errorf("a session with a server that is not there: %v", err)
	}
	r := routed{n.routes, viaServer}
	ctx := t.Context()
	_, put := r.Put(ctx, strings.NewReader(""))
	_, get := r.Get(ctx, moot.BlobID{}, moot.Whole)
	_, have := r.Have(ctx, moot.BlobID{})
	_, exchange := r.Exchange(ctx, moot.BlobID{})
	_, vector := r.Vector(ctx)
	var query, watch error
	for _, err := range r.Query(ctx, moot.Query{}) {
		query = err
	}
	for _, err := range r.Watch(ctx, moot.Vector{}) {
		watch = err
	}
	for i, err := range []error{put, get, have, exchange, vector, query, watch, r.Append(ctx, moot.Merge)} {
		if moot.KindOf(err) != moot.Unavailable {
			t.Errorf("method %d: %v", i, err)
		}
	}
	own := routed{n.routes, viaPeers}
	connect(t, n, false)
	b, err := own.Put(ctx, strings.NewReader("text"))
	must(t, err)
	if _, err := own.Have(ctx, b.ID); err != nil {
		t.Error(err)
	}
	x, err := own.Exchange(ctx, b.ID)
	if err == nil {
		defer x.Close()
	}
	if v, err := own.Vector(ctx); err != nil || v.Seq(ann) == 0 {
		t.Errorf("vector %v, %v", v, err)
	}
}

func TestServerAsksItself(t *testing.T) {
	n := founder(t, Config{Role: arch.Server()})
	s := session(t, n, moot.Architecture{})
	if s.Via != viaPeers {
		t.Errorf("a server alone works via %v", s.Via)
	}
	write(t, session(t, n, viaServer), "a", "text")
	if got, err := read(t.Context(), s, "a"); err != nil || got != "text" {
		t.Errorf("read %q, %v", got, err)
	}
}
