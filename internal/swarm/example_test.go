package swarm_test

import (
	"fmt"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/swarm"
)

// Two sources, of which one holds half of the blob: the scheduler asks the other one for
// the rare half first. Time is passed in, so that nothing waits.
func ExampleState() {
	ann, bob := moot.Key{1}, moot.Key{2}
	now := time.Unix(0, 0)
	s := swarm.New(swarm.Config{Groups: 4, Part: 2, Depth: 1})
	s.Want(nil, []swarm.Run{{First: 0, Count: 4}})
	s.AddSource(ann, []swarm.Run{{First: 0, Count: 4}})
	s.AddSource(bob, []swarm.Run{{First: 0, Count: 2}})

	for s.Wanting() {
		var requests []swarm.Request
		for i, source := range []moot.Key{ann, bob} {
			if r, ok := s.Next(source, now); ok {
				fmt.Println([]string{"ann", "bob"}[i], "sends groups", r.Run.First, "to", r.Run.End()-1)
				requests = append(requests, r)
			}
		}
		for _, r := range requests {
			for g := r.Run.First; g < r.Run.End(); g++ {
				now = now.Add(time.Millisecond)
				s.Arrived(r.ID, g, now)
			}
		}
	}
	// Output:
	// ann sends groups 2 to 3
	// bob sends groups 0 to 1
}

// A receiver that does not acknowledge what it was sent leaves no room in the window,
// until its parts time out.
func ExampleSendWindow() {
	w, now := swarm.NewSendWindow(), time.Unix(0, 0)
	for w.CanSend(1, now) {
		w.Sent(1, 16<<10, now)
	}
	fmt.Println(w.Total(1)>>10, "KiB in flight, room for another receiver:", w.CanSend(2, now))
	now = now.Add(w.NextExpiry(now))
	fmt.Println("later:", w.CanSend(2, now))
	// Output:
	// 32 KiB in flight, room for another receiver: false
	// later: true
}
