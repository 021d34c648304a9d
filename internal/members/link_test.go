package members_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func TestBadLinks(t *testing.T) {
	ann := found(t)
	link := must[members.Link](t)(ann.Invite(t.Context(), members.Invitation{Role: policy.RoleMember, Expires: time.Hour}))
	good := link.String()
	newer := link
	newer.Version++
	for what, c := range map[string]struct {
		text string
		kind moot.ErrorKind
	}{
		"empty":        {"", moot.Invalid},
		"a web page":   {"https://example.org", moot.Invalid},
		"cut short":    {good[:len(good)-7], moot.Invalid},
		"damaged":      {strings.Replace(good, "moot://", "moot://%%", 1), moot.Invalid},
		"far too long": {"moot://" + strings.Repeat("A", 1<<20), moot.TooLarge},
		"newer":        {newer.String(), moot.Invalid},
	} {
		_, err := members.ParseLink(c.text, ann.clock.t)
		wantKind(t, what, err, c.kind)
	}
	_, err := members.ParseLink(good, ann.clock.t.Add(2*time.Hour))
	wantKind(t, "too late", err, moot.Expired)
	if code, err := members.QR(good); err != nil || strings.Count(code, "\n") < 20 {
		t.Errorf("QR code: %v\n%s", err, code)
	}
}

// TestLinkOfVersion010: it is refused with what to do.
func TestLinkOfVersion010(t *testing.T) {
	const text = "moot://qAABAVggAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACZ2ZyaWVuZHMDWCACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAARlYWRtaW4FGnE_swAGGE0HgaRiaWRYIAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZG5hbWVhc2VhZGRyc4FuaHR0cHM6Ly94LnRlc3Rmc2VydmVy9Q"
	_, err := members.ParseLink(text, time.Unix(0, 0))
	wantKind(t, "a link of 0.1.0", err, moot.Invalid)
	if err == nil || !strings.Contains(err.Error(), "0.1.0") || !strings.Contains(err.Error(), "new one") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

func FuzzParseLink(f *testing.F) {
	l := members.Link{Version: 2, Name: "x", Expires: 1 << 40, Servers: []moot.Peer{{Addrs: []string{"https://x"}}}}
	f.Add(l.String())
	l.For, l.As, l.Invite = moot.MemberID{1}, "ann", moot.EntryID{2}
	f.Add(l.String())
	f.Add("moot://oA")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := members.ParseLink(text, time.Unix(0, 0))
		if err != nil {
			return
		}
		if again, err := members.ParseLink(l.String(), time.Unix(0, 0)); err != nil || again.String() != l.String() {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
