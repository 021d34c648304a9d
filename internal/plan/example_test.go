package plan_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/mootspace/moot/internal/plan"
)

// Ten members fetch 100 MB over links of 10 Mbit/s up and 50 Mbit/s down.
func ExampleMake() {
	p, err := plan.Make(plan.Group{
		Members: slices.Repeat([]plan.Link{{Up: 10e6, Down: 50e6}}, 10),
		Size:    100e6,
		Source:  plan.Link{Up: 10e6, Down: 50e6},
		Servers: 1, Server: plan.Link{Up: 50e6, Down: 50e6},
		Online: 0.5, ServerOnline: 0.99, Target: 0.999,
		Copies: 4, Pieces: 1, Lifetime: 30 * 24 * time.Hour,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range p.Answers {
		fmt.Printf("%s: %s, available %s\n", a.Architecture.Name(), plan.FormatSeconds(a.All()), plan.FormatPercent(a.Availability))
	}
	fmt.Println("recommended:", p.Recommended.Name())
	// Output:
	// client-server: 4 min 0 s, available 99 %
	// peer-to-peer: 1 min 20 s, available 93.8 %
	// hybrid: 1 min 20 s, available 99.938 %
	// recommended: hybrid
}

// A description that makes no sense is refused.
func ExampleGroup_Check() {
	fmt.Println(plan.Group{}.Check())
	// Output: a group of 0 members: want 1 to 100000 who fetch the file
}

// The server's uplink is the bottleneck for many receivers.
func ExampleClientServer() {
	receivers := slices.Repeat([]plan.Link{{Up: 50e6, Down: 200e6}}, 8)
	fmt.Println(plan.ClientServer(64e6, plan.Link{Up: 100e6}, receivers))
	// Output: 40.96s
}

// The same receivers upload to one another.
func ExamplePeerToPeer() {
	receivers := slices.Repeat([]plan.Link{{Up: 50e6, Down: 200e6}}, 8)
	fmt.Println(plan.PeerToPeer(64e6, plan.Link{Up: 100e6}, receivers))
	// Output: 8.192s
}

// A server of 80 Mbit/s that lacks the file adds 70 of them: it must receive what it sends.
func ExampleHybrid() {
	receivers := slices.Repeat([]plan.Link{{Up: 10e6, Down: 200e6}}, 8)
	fmt.Println(plan.Hybrid(64e6, plan.Link{Up: 100e6}, plan.Link{}, 0, receivers).Round(time.Millisecond))
	fmt.Println(plan.Hybrid(64e6, plan.Link{Up: 100e6}, plan.Link{Up: 80e6}, 1, receivers).Round(time.Millisecond))
	// Output:
	// 22.756s
	// 16.384s
}

// Three whole copies, and an erasure code of which any two of three pieces suffice.
func ExampleAnyOf() {
	fmt.Printf("%.3f %.3f\n", plan.AnyOf(1, 3, 0.9), plan.AnyOf(2, 3, 0.9))
	// Output: 0.999 0.972
}

// A server and four members' copies.
func ExampleEither() {
	fmt.Println(plan.FormatPercent(plan.Either(0.99, plan.AnyOf(1, 4, 0.5))))
	// Output: 99.938 %
}

func ExampleMinCopies() {
	fmt.Println(plan.MinCopies(1, 0.5, 0.999, 100))
	fmt.Println(plan.MinCopies(1, 0.5, 0.999, 9))
	// Output:
	// 10 true
	// 0 false
}

// 100 GB stored by members who stay for a month.
func ExampleUpkeep() {
	fmt.Printf("%s kbit/s\n", plan.FormatNumber(plan.Upkeep(100e9, 30*24*time.Hour)/1e3))
	// Output: 617 kbit/s
}

func ExampleDepth() {
	fmt.Println(plan.Depth(6), plan.Depth(36), plan.Depth(1000))
	// Output: 1 2 5
}
