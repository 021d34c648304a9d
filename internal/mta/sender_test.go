package mta_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mta"
)

func reader(text string) io.Reader { return strings.NewReader(text) }

func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		p := newOutbox(t, r)
		p.addText("From: ann@space.example\nBcc: secret@else.example\nSubject: hi\n\n.dot\nbare\rCR\n", "ann@space.example",
			"eve@else.example", "bob@ELSE.example.", "eve@else.example")
		p.run(time.Second)
		got := r.mails()
		if len(got) != 1 || fmt.Sprint(got[0].to) != "[bob@else.example eve@else.example]" || got[0].from != "ann@space.example" {
			t.Fatalf("got %+v", got)
		}
		if want := crlf("From: ann@space.example\nSubject: hi\n\n.dot\nbare\nCR\n"); got[0].text != want {
			t.Errorf("text %q", got[0].text)
		}
		if p.pending() != 0 || len(p.bounces) != 0 {
			t.Errorf("%d queued, bounces %v", p.pending(), p.bounces)
		}
	})
}

// TestRetries follows a message that is never accepted for five days.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		r.rcpt = func(string) error { return smtpError(451, 4, 7, "greylisted") }
		p := newOutbox(t, r)
		began := time.Now()
		p.add("ann@space.example", "eve@else.example")
		p.run(6 * 24 * time.Hour)
		if len(p.bounces) != 2 {
			t.Fatalf("%d notifications", len(p.bounces))
		}
		if len(r.attempts) < 30 || len(r.attempts) > 50 {
			t.Errorf("%d tries", len(r.attempts))
		}
		want := time.Minute
		for i := 1; i < len(r.attempts)-1; i++ {
			d := r.attempts[i].Sub(r.attempts[i-1])
			early := r.attempts[i].Equal(p.bounces[0].at) // to warn in time
			if d < want*8/10-time.Second && !early || d > want*12/10+time.Second {
				t.Errorf("attempt %d after %v, want about %v", i, d, want)
			}
			want = min(2*want, 4*time.Hour)
		}
		if last := r.attempts[len(r.attempts)-1].Sub(began); last < 5*24*time.Hour || last > 5*24*time.Hour+time.Second {
			t.Errorf("the last attempt was after %v", last)
		}
		late, failed := report(t, p.bounces[0]), report(t, p.bounces[1])
		if after := p.bounces[0].at.Sub(began); after != 4*time.Hour {
			t.Errorf("warned after %v", after)
		}
		if late.fields["Action"] != "delayed" || late.fields["Status"] != "4.7.1" || late.fields["Will-Retry-Until"] == "" {
			t.Errorf("the warning has %v", late.fields)
		}
		if failed.fields["Action"] != "failed" || failed.fields["Status"] != "5.4.7" || failed.fields["Diagnostic-Code"] != "smtp; 451 4.7.1 greylisted" {
			t.Errorf("the failure has %v", failed.fields)
		}
		if p.pending() != 0 {
			t.Error("still queued")
		}
	})
}

// TestMixedResponses: each recipient has an outcome of its own.
func TestMixedResponses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		later := 2
		r.rcpt = func(to string) error {
			switch {
			case to == "never@else.example":
				return smtpError(550, 5, 1, "no such user")
			case to == "later@else.example" && later > 0:
				later--
				return smtpError(450, 4, 2, "busy")
			}
			return nil
		}
		p := newOutbox(t, r)
		p.add("ann@space.example", "now@else.example", "never@else.example", "later@else.example")
		p.run(time.Second)
		if got := r.mails(); len(got) != 1 || len(got[0].to) != 1 || got[0].to[0] != "now@else.example" || p.pending() != 1 {
			t.Errorf("at first: %+v, %d queued", got, p.pending())
		}
		if len(p.bounces) != 1 {
			t.Fatalf("%d notifications", len(p.bounces))
		}
		if f := report(t, p.bounces[0]).fields; f["Final-Recipient"] != "rfc822; never@else.example" || f["Status"] != "5.1.1" {
			t.Errorf("%v", f)
		}
		p.run(time.Hour)
		if got := r.mails(); len(got) != 2 || len(got[1].to) != 1 || got[1].to[0] != "later@else.example" || p.pending() != 0 {
			t.Errorf("at last: %+v, %d queued", got, p.pending())
		}
		if len(p.bounces) != 1 {
			t.Errorf("%d notifications", len(p.bounces))
		}
	})
}

func TestNoBounceOfABounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		r.data = func() error { return smtpError(554, 5, 7, "spam") }
		p := newOutbox(t, r)
		p.add("", "eve@else.example")
		p.run(time.Second)
		if len(r.attempts) != 1 || len(p.bounces) != 0 || p.pending() != 0 {
			t.Errorf("%d attempts, %d notifications, %d queued", len(r.attempts), len(p.bounces), p.pending())
		}
	})
}

// TestBounceFails: a notification is retried, unless the sender does not exist.
func TestBounceFails(t *testing.T) {
	for kind, times := range map[moot.ErrorKind]int{moot.Unavailable: 3, moot.NotFound: 1} {
		synctest.Test(t, func(t *testing.T) {
			r := newRemote()
			r.rcpt = func(string) error { return smtpError(550, 5, 1, "no") }
			p := newOutbox(t, r)
			left := 2
			p.bounce = func(string) error {
				if left--; left >= 0 {
					return moot.Errorf(kind, "no")
				}
				return nil
			}
			p.add("ann@space.example", "eve@else.example")
			p.run(time.Hour)
			if len(p.bounces) != times || len(r.attempts) != 1 || p.pending() != 0 {
				t.Errorf("%s: %d notifications, %d attempts, %d queued", kind, len(p.bounces), len(r.attempts), p.pending())
			}
		})
	}
}

// TestRoutes covers the results of the DNS.
func TestRoutes(t *testing.T) {
	mx := func(pairs ...any) (all []*net.MX) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, &net.MX{Host: pairs[i].(string), Pref: uint16(pairs[i+1].(int))})
		}
		return all
	}
	good, other := "198.51.100.1", "198.51.100.2" // the second is not there
	for name, c := range map[string]struct {
		mx   []*net.MX
		ip   map[string][]string
		fail map[string]error
		want string // status; "2" if it arrives
	}{
		"preference":       {mx: mx("b.example.", 20, "a.example.", 10), ip: map[string][]string{"a.example": {good}}, want: "2"},
		"second host":      {mx: mx("a.example.", 10, "b.example.", 20), ip: map[string][]string{"a.example": {other}, "b.example": {good}}, want: "2"},
		"second address":   {mx: mx("a.example.", 10), ip: map[string][]string{"a.example": {"2001:500::1", other, good}}, want: "2"},
		"no MX":            {ip: map[string][]string{"else.example": {good}}, want: "2"},
		"null MX":          {mx: mx(".", 0), ip: map[string][]string{"else.example": {good}}, want: "5.1.10"},
		"no such domain":   {want: "5.1.2"},
		"no host":          {mx: mx("a.example.", 10), want: "5.1.2"},
		"one host down":    {mx: mx("a.example.", 10, "b.example.", 20), ip: map[string][]string{"a.example": {other}}, want: "4.4.1"},
		"no answer":        {fail: map[string]error{"else.example": timeout}, want: "4.4.3"},
		"no answer for MX": {mx: mx("a.example.", 10), fail: map[string]error{"a.example": timeout}, want: "4.4.3"},
		"we are first":     {mx: mx("MX.space.example.", 10, "a.example.", 20), ip: map[string][]string{"a.example": {good}}, want: "5.4.6"},
		"we are second":    {mx: mx("a.example.", 10, "mx.space.example.", 20), ip: map[string][]string{"a.example": {good}}, want: "2"},
		"loopback":         {mx: mx("a.example.", 10), ip: map[string][]string{"a.example": {"127.0.0.1", "::1", "::ffff:127.0.0.1"}}, want: "5.4.4"},
		"private":          {mx: mx("a.example.", 10), ip: map[string][]string{"a.example": {"10.1.1.1", "fe80::1", "fd00::1", "0.0.0.0"}}, want: "5.4.4"},
		"strange names":    {mx: mx("a b.example.", 10, "a\r\n.example.", 20, "a.example.", 30), ip: map[string][]string{"a.example": {good}}, want: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote()
				p := newOutbox(t, r)
				p.Retry = mta.Retry{GiveUp: time.Millisecond, First: time.Hour} // one attempt, whose response is in the bounce
				*p.names = dns{mx: map[string][]*net.MX{"else.example": c.mx}, ip: c.ip, fail: c.fail}
				p.add("ann@space.example", "eve@else.example")
				pass(time.Second)
				p.run(time.Minute)
				if c.want == "2" {
					if len(r.mails()) != 1 || len(p.bounces) != 0 {
						t.Errorf("%d arrived, bounces %v", len(r.mails()), p.bounces)
					}
					return
				}
				if len(p.bounces) != 1 || len(r.mails()) != 0 {
					t.Fatalf("%d notifications, %d arrived", len(p.bounces), len(r.mails()))
				}
				want := c.want
				if want[0] == '4' {
					want = "5.4.7" // it was given up
				}
				if f := report(t, p.bounces[0]).fields; f["Status"] != want {
					t.Errorf("%v", f)
				}
			})
		})
	}
}

func TestPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		p := newOutbox(t, nil)
		p.net.put(t, "127.0.0.1:2525", r.srv.Serve)
		p.names.ip["mx.else.example"] = []string{"127.0.0.1"}
		p.Private, p.Port = true, 2525
		p.add("ann@space.example", "eve@else.example")
		p.run(time.Second)
		if len(r.mails()) != 1 {
			t.Error("did not arrive")
		}
	})
}

func TestLimitPerDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		var now, most atomic.Int32
		r.data = func() error {
			n := now.Add(1)
			defer now.Add(-1)
			most.Store(max(n, most.Load()))
			pass(time.Minute)
			return nil
		}
		p := newOutbox(t, r)
		p.PerDomain = 3
		for n := range 10 {
			p.add("ann@space.example", fmt.Sprintf("eve%d@else.example", n))
		}
		began := time.Now()
		p.run(4*time.Minute + time.Second)
		if most.Load() != 3 || len(r.mails()) != 10 {
			t.Errorf("%d at once, %d arrived after %v", most.Load(), len(r.mails()), time.Since(began))
		}
	})
}

func TestManyRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		p := newOutbox(t, r)
		var to []string
		for n := range 250 {
			to = append(to, fmt.Sprintf("eve%d@else.example", n))
		}
		p.add("ann@space.example", to...)
		p.run(time.Second)
		var got []string
		for _, m := range r.mails() {
			if len(m.to) > 100 {
				t.Errorf("%d recipients at once", len(m.to))
			}
			got = append(got, m.to...)
		}
		slices.Sort(to)
		slices.Sort(got)
		if !slices.Equal(got, to) || p.pending() != 0 {
			t.Errorf("%d arrived, %d queued", len(got), p.pending())
		}
	})
}

// TestStopSending: at shutdown, attempts under way finish; one that the server delays is
// aborted and does not count as a failed attempt.
func TestStopSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		var hang atomic.Bool
		r.data = func() error {
			if hang.Load() {
				pass(5 * time.Minute)
			}
			pass(20 * time.Second)
			return nil
		}
		p := newOutbox(t, r)
		p.add("ann@space.example", "eve@else.example")
		p.run(10 * time.Second)
		if len(r.mails()) != 1 || p.pending() != 0 {
			t.Errorf("%d arrived, %d queued", len(r.mails()), p.pending())
		}
		hang.Store(true)
		p.add("ann@space.example", "eve@else.example")
		began := time.Now()
		p.run(10 * time.Second)
		if took := time.Since(began); took > time.Minute || p.pending() != 1 {
			t.Errorf("stopped after %v, %d queued", took, p.pending())
		}
		hang.Store(false)
		p.run(time.Second) // at once, and not after a minute
		if p.pending() != 0 {
			t.Error("was not tried again at once")
		}
		pass(10 * time.Minute) // until the other server has ended its part
	})
}

// TestDamagedFile: a message whose file is missing or truncated is bounced, not
// delivered in part.
func TestDamagedFile(t *testing.T) {
	for name, damage := range map[string]func(file string) error{
		"gone": os.Remove,
		"cut":  func(file string) error { return os.Truncate(file, 60) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder := t.TempDir()
				r := newRemote()
				p := newOutbox(t, r)
				p.Queue.Close()
				p.Queue = openQueue(t, folder, mta.QueueLimits{})
				p.add("ann@space.example", "eve@else.example")
				if err := damage(filepath.Join(folder, "1.eml")); err != nil {
					t.Fatal(err)
				}
				p.run(time.Second)
				if len(p.bounces) != 1 || report(t, p.bounces[0]).fields["Status"] != "5.3.0" || p.pending() != 0 || len(r.mails()) != 0 {
					t.Errorf("bounces %v, %d queued, %d arrived", p.bounces, p.pending(), len(r.mails()))
				}
				p.Queue.Close()
			})
		})
	}
}
