package accounts_test

import (
	"fmt"
	"testing"

	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

// BenchmarkReview has 300 accounts.
func BenchmarkReview(b *testing.B) {
	c := newClub(b)
	a, err := accounts.Open(b.Context(), c.cfg)
	must(b, err)
	l, err := c.members(c.cfg.Own).Invite(b.Context(), members.Invitation{Role: policy.RoleMember, Uses: 1000, Expires: 1 << 40})
	must(b, err)
	for i := range 300 {
		_, err := a.Add(b.Context(), fmt.Sprintf("member%d", i), l.String())
		must(b, err)
	}
	for b.Loop() {
		a.Review()
	}
}
