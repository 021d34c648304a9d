package throttle

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// within fails unless something took about as long as it should.
func within(t *testing.T, what string, took, least, most time.Duration) {
	t.Helper()
	if took < least || took > most {
		t.Errorf("%s took %v, want %v to %v", what, took, least, most)
	}
}

// TestThrottleIsShared has readers and writers of one throttle stay at its rate together,
// also if there are many of them: each keeps moving.
func TestThrottleIsShared(t *testing.T) {
	for _, many := range []int{1, 8, 64, 400} {
		synctest.Test(t, func(t *testing.T) {
			const limit, each = 1 << 20, 256 << 10
			th := &Throttle{}
			th.Limit(limit)
			begun := time.Now()
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() {
					at := time.Now()
					moved := func() {
						if pause := time.Since(at); pause > 3*time.Second {
							t.Errorf("one of %d stood still for %v", many, pause)
						}
						at = time.Now()
					}
					if i%2 == 0 {
						r := th.Reader(t.Context(), bytes.NewReader(make([]byte, each)))
						for buf := make([]byte, 64<<10); ; moved() {
							if _, err := r.Read(buf); err == io.EOF {
								return
							}
						}
					}
					w := &throttledWriter{httptest.NewRecorder(), th, t.Context()}
					for range each / 1024 {
						if n, err := w.Write(make([]byte, 1024)); n != 1024 || err != nil {
							t.Errorf("wrote %d: %v", n, err)
						}
						moved()
					}
				})
			}
			all.Wait()
			ideal := time.Duration(many) * each * time.Second / limit
			within(t, "all", time.Since(begun), ideal-100*time.Millisecond, ideal)
			if got := th.passed.Load(); got != int64(many)*each {
				t.Errorf("counted %d bytes", got)
			}
		})
	}
}

// TestThrottleChanges has a limit hold from when it is set, and no longer.
func TestThrottleChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := &Throttle{}
		content := make([]byte, 11<<20)
		rand.NewChaCha8([32]byte{}).Read(content)
		r := th.Reader(t.Context(), bytes.NewReader(content))
		var got bytes.Buffer
		read := func(n int64) time.Duration {
			begun := time.Now()
			if _, err := io.CopyN(&got, r, n); err != nil {
				t.Fatal(err)
			}
			return time.Since(begun)
		}
		within(t, "1 MiB without a limit", read(1<<20), 0, 0)
		th.Limit(1 << 20)
		within(t, "1 MiB at 1 MiB/s", read(1<<20), 900*time.Millisecond, time.Second)
		th.Limit(64 << 10)
		within(t, "64 KiB at 64 KiB/s", read(64<<10), 900*time.Millisecond, time.Second)
		time.AfterFunc(time.Second, func() { th.Limit(0) })
		within(t, "the rest, slowly for a second", read(8<<20), time.Second, 1100*time.Millisecond)
		if !bytes.Equal(got.Bytes(), content[:got.Len()]) {
			t.Error("other bytes came")
		}
	})
}

// TestThrottleLetsGo has nobody wait for a turn who does not want it any more.
func TestThrottleLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := &Throttle{}
		th.Limit(1)
		ctx, cancel := timeout(t, time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := io.Copy(io.Discard, th.Reader(ctx, bytes.NewReader(make([]byte, 4096)))); err == nil {
			t.Error("no error")
		}
		within(t, "giving up", time.Since(begun), 0, time.Second)
	})
}

func timeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
