package jobs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/store"
)

// counter counts what is written through a store.
type counter struct {
	*store.Store
	mu    sync.Mutex
	puts  map[moot.BlobID]int
	bytes int64
}

func (c *counter) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	b, err := c.Store.Put(ctx, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.puts[b.ID]++
	c.bytes += b.Size
	return b, err
}

// TestResultsAreWrittenOnce: outputs too large to be attached are written to the
// coordinator's node when they are fetched and never again, and not at all if the worker
// has put them there.
func TestResultsAreWrittenOnce(t *testing.T) {
	sizes := []int{100 << 10, 300 << 10, 1 << 20}
	for what, local := range map[string]bool{"another node's worker": false, "the node's own worker": true} {
		t.Run(what, func(t *testing.T) {
			node := &counter{puts: map[moot.BlobID]int{}}
			remote, err := store.Open(t.Context(), store.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { remote.Close() })
			w := jobs.Worker{Key: moot.Key{1}, Slots: 1, Blobs: remote}
			if local {
				w.Blobs = node
			}
			var mu sync.Mutex
			made := map[moot.BlobID]bool{}
			w.Runner = runner(func(ctx context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
				mu.Lock()
				defer mu.Unlock()
				o := wrote("done")
				for i, size := range sizes {
					b, err := w.Blobs.Put(ctx, strings.NewReader(task.Label+strings.Repeat("x", size)))
					if err != nil {
						return o, err
					}
					made[b.ID] = true
					o.Files = append(o.Files, moot.Content{Path: fmt.Sprint("file", i), Blob: b})
				}
				return o, nil
			})
			f := newFixtureOver(t, node, w)
			j := f.await(f.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 3}}}).ID)
			if j.State != jobs.Done {
				t.Fatalf("%+v", j)
			}
			if len(made) != 3*len(sizes) {
				t.Fatalf("%d outputs", len(made))
			}
			var want int64
			for _, size := range sizes {
				want += 3 * int64(size+1)
			}
			for id := range made {
				if node.puts[id] != 1 {
					t.Errorf("an output was written %d times", node.puts[id])
				}
			}
			if extra := node.bytes - want; extra > 4<<10 { // module, specification, pack and manifest
				t.Errorf("%d bytes were written beside %d of outputs", extra, want)
			}
			got := f.results(j)
			if len(got) != 3*(len(sizes)+1) || got["1/file2"] != "1"+strings.Repeat("x", 1<<20) || got["2/stdout"] != "done" {
				t.Errorf("%d results", len(got))
			}
		})
	}
}

// TestOutputsSurviveTheirWorker: a result never refers to what only a worker holds.
func TestOutputsSurviveTheirWorker(t *testing.T) {
	remote, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	f := newFixture(t, jobs.Worker{Key: moot.Key{1}, Slots: 1, Blobs: remote, Runner: runner(func(ctx context.Context, _ moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		b, err := remote.Put(ctx, strings.NewReader(strings.Repeat("y", 100<<10)))
		o := wrote("")
		o.Files = []moot.Content{{Path: "y", Blob: b}}
		return o, err
	})})
	j := f.await(f.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{}, {Count: 2}}}).ID)
	if got := f.results(j); j.State != jobs.Done || len(got) != 2 || len(got["1/y"]) != 100<<10 {
		t.Errorf("%+v: %d results", j, len(got))
	}
}

// TestEqualOutputsMakeEqualResults, whichever of them a worker attaches.
func TestEqualOutputsMakeEqualResults(t *testing.T) {
	var f *fixture
	attach := true
	f = newFixture(t, worker(1, 1, func(ctx context.Context, _ moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		o := wrote("x")
		for i, size := range []int{1000, 64 << 10, 70 << 10} {
			one := content(strings.Repeat("x", size))
			if one.Path = fmt.Sprint(i); !attach {
				if _, err := f.node.Put(ctx, bytes.NewReader(one.Data)); err != nil {
					return o, err
				}
				one.Data = nil
			}
			o.Files = append(o.Files, one)
		}
		return o, nil
	}))
	first := f.await(f.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{}}}).ID)
	attach = false
	second := f.await(f.submit(jobs.Spec{As: "out", Fresh: true, Stages: []jobs.Stage{{}}}).ID)
	if first.State != jobs.Done || second.State != jobs.Done || first.Result != second.Result {
		t.Errorf("%+v\n%+v", first, second)
	}
	if got := f.results(second); len(got) != 4 || len(got["2"]) != 70<<10 {
		t.Errorf("%d results", len(got))
	}
}

// TestConflictingOutputs: a file that has the name of a stream fails the job.
func TestConflictingOutputs(t *testing.T) {
	f := newFixture(t, worker(1, 1, func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error) {
		o := wrote("x")
		o.Files = []moot.Content{content("y")}
		o.Files[0].Path = "stdout"
		return o, nil
	}))
	if j := f.await(f.submit(jobs.Spec{As: "out"}).ID); j.State != jobs.Failed || !strings.Contains(j.Why, "cannot both be in one folder") {
		t.Errorf("%+v", j)
	}
}
