package mta_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/mootspace/moot/internal/mta"
)

// TestTrusted: neither the limits of one address nor SPF hold for a relay.
func TestTrusted(t *testing.T) {
	names := &dns{txt: map[string][]string{"else.example": {"v=spf1 -all"}, "_dmarc.else.example": {"v=DMARC1; p=reject"}}}
	for network, trusted := range map[string]bool{"127.0.0.0/8": true, "192.0.2.0/24": false} {
		s, b := newServer()
		s.Resolver = names
		s.Limits = mta.Limits{PerAddress: 1, PerMinute: 1, Trusted: []netip.Prefix{netip.MustParsePrefix(network)}}
		addr := serve(t, s)
		first := dial(t, addr).begin()
		first.send("DATA\r\n", "354")
		first.send(sample+".\r\n", "250")
		second := dial(t, addr)
		if greeted := strings.HasPrefix(second.reply(), "220"); greeted != trusted {
			t.Errorf("%s: another connection is taken: %v", network, greeted)
		}
		want := "450"
		if trusted {
			want = "250"
		}
		first.send("MAIL FROM:<>\r\n", want)
		if got := b.only(t); got.Junk == trusted || strings.Contains(got.text, "spf=none") != trusted {
			t.Errorf("%s: junk %v\n%s", network, got.Junk, got.text)
		}
	}
}
