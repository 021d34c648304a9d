package suite_test

import (
	"testing"

	"github.com/mootspace/moot/internal/suite"
)

// TestAll runs every scenario over every store, link and architecture.
func TestAll(t *testing.T) {
	for store := range suite.Stores {
		for link := range suite.Links {
			for arch := range suite.Architectures {
				t.Run(store+"/"+link+"/"+arch, func(t *testing.T) {
					t.Parallel()
					for _, s := range suite.Scenarios() {
						t.Run(s.Name, func(t *testing.T) {
							s.Run(t, suite.NewWorld(t, store, link, arch, s.Members))
						})
					}
				})
			}
		}
	}
}
