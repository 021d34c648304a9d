package suite_test

import (
	"flag"
	"os"
	"testing"

	"github.com/mootspace/moot/internal/sandbox"
	"github.com/mootspace/moot/internal/suite"
)

// atOnce is how many worlds exist at one time: links and entries take time to come, not
// processors, so they are more than those.
const atOnce = "6"

func TestMain(m *testing.M) {
	if sandbox.IsChild() { // a task is run in a process of its own
		sandbox.Serve()
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestAll runs every scenario over every store, link and architecture.
func TestAll(t *testing.T) {
	for architecture, rules := range suite.Architectures() {
		for link, made := range suite.Links {
			if !made(t).Carries(rules) {
				continue
			}
			for store := range suite.Stores {
				for _, s := range suite.Scenarios() {
					if !s.Speaks(rules) {
						continue
					}
					t.Run(store+"/"+link+"/"+architecture+"/"+s.Name, func(t *testing.T) {
						t.Parallel()
						s.In(t, store, link, architecture)
					})
				}
			}
		}
	}
}
