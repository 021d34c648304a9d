package idle_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot/internal/idle"
)

// TestBusy: a machine is busy as soon as others use more than their share, and idle after a
// minute in which they did not.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		var share, used float64
		last := began
		use := func(now float64) { // the share that others use from now on
			mu.Lock()
			defer mu.Unlock()
			used += share * time.Since(last).Seconds()
			share, last = now, time.Now()
		}
		m := idle.New(func(context.Context) (idle.Times, error) {
			mu.Lock()
			defer mu.Unlock()
			return idle.Times{Used: used + share*time.Since(last).Seconds(), Total: time.Since(began).Seconds()}, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		go m.Run(ctx)
		after := func(d time.Duration, want bool) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if m.Busy() != want {
				t.Errorf("after %v: busy %v", time.Since(began), !want)
			}
		}
		after(time.Minute, false)
		use(0.2)
		after(time.Minute, false)
		use(0.9)
		after(10*time.Second, true)
		use(0.1)
		after(30*time.Second, true)
		after(40*time.Second, false)
		cancel()
		synctest.Wait()
	})
}

// TestMachine reads this machine's times.
func TestMachine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	idle.New(nil).Run(ctx) // does not panic, and ends
}
