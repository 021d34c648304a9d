package accounts

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// openCheap opens passwords of which new ones cost little.
func openCheap(t *testing.T, state State) *passwords {
	t.Helper()
	p, err := openPasswords(state, time.Now)
	must(t, err)
	p.cost = cost{Passes: 1, Memory: 64, Threads: 1}
	return p
}

func TestChosenPasswords(t *testing.T) {
	state, ann, bob := records{}, moot.MemberID{1}, moot.MemberID{2}
	p := openCheap(t, state)
	made, err := p.add(ann)
	must(t, err)
	must(t, p.set(t.Context(), ann, "The first one"))
	must(t, p.set(t.Context(), ann, "Caf\u00e9-au lait"))
	p = openCheap(t, state) // after a restart
	for _, c := range []struct {
		name   string
		member moot.MemberID
		text   string
		want   bool
	}{
		{"as it was chosen", ann, "Caf\u00e9-au lait", true},
		{"decomposed, with another space", ann, "Cafe\u0301-au\u00a0lait", true},
		{"in another case", ann, "caf\u00e9-au lait", false},
		{"without its hyphen", ann, "Caf\u00e9au lait", false},
		{"the one before it", ann, "The first one", false},
		{"one made here", ann, made, true},
		{"of another member", bob, "Caf\u00e9-au lait", false},
		{"of nobody", moot.MemberID{}, "Caf\u00e9-au lait", false},
		{"empty", ann, "", false},
	} {
		if got, err := p.match(t.Context(), c.member, c.text); got != c.want || err != nil {
			t.Errorf("%s: %t, %v, want %t", c.name, got, err, c.want)
		}
	}
	if n := p.count(ann); n != 2 {
		t.Errorf("%d passwords, want the made and the chosen one", n)
	}
}

// TestCostIsStored fails if a later version that costs more refuses old passwords.
func TestCostIsStored(t *testing.T) {
	state, ann := records{}, moot.MemberID{1}
	must(t, openCheap(t, state).set(t.Context(), ann, "correct horse"))
	p, err := openPasswords(state, time.Now)
	must(t, err)
	if ok, err := p.match(t.Context(), ann, "correct horse"); !ok || err != nil {
		t.Errorf("one that cost less: %t, %v", ok, err)
	}
	must(t, p.set(t.Context(), ann, "correct horse"))
	if saved := string(state[passwordsFile]); !strings.Contains(saved, `"argon2":{"t":3,"m":65536,"p":1}`) || strings.Contains(saved, "horse") {
		t.Errorf("saved %s", saved)
	}
	if ok, err := p.match(t.Context(), ann, "correct horse"); !ok || err != nil {
		t.Errorf("one of full cost: %t, %v", ok, err)
	}
}

func TestBadChosenPasswords(t *testing.T) {
	p := openCheap(t, records{})
	for name, text := range map[string]string{
		"empty": "", "short": "123456789", "short, in many bytes": strings.Repeat("\u00e9", 9), "long": strings.Repeat("x", maxPassword+1),
		"a control character": "correct\thorse", "not UTF-8": "correct horse\xff",
	} {
		if err := p.set(t.Context(), moot.MemberID{1}, text); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p.count(moot.MemberID{1}) != 0 {
		t.Error("a refused password is there")
	}
}

// TestCostOfWrongPasswords takes all slots: what waits for one has a hash to compute.
func TestCostOfWrongPasswords(t *testing.T) {
	p := openCheap(t, records{})
	ann, bob := moot.MemberID{1}, moot.MemberID{2}
	made, err := p.add(bob)
	must(t, err)
	must(t, p.set(t.Context(), ann, "correct horse"))
	for range maxHashes {
		p.hashes <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error)
	attempts := map[moot.MemberID][]string{
		ann: {"correct horse", "wrong horse"}, // with a chosen password
		bob: {"wrong horse", "correct horse"}, // with one that was made
		{3}: {"wrong horse", "correct horse"}, // without any
	}
	n := 0
	for member, texts := range attempts {
		for _, text := range texts {
			n++
			go func() {
				_, err := p.match(ctx, member, text)
				errs <- err
			}()
		}
	}
	if ok, err := p.match(t.Context(), bob, made); !ok || err != nil {
		t.Errorf("one that was made waits for the chosen ones: %t, %v", ok, err)
	}
	cancel()
	for range n {
		if err := <-errs; moot.KindOf(err) != moot.Unavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("an attempt cost nothing: %v", err)
		}
	}
	if err := p.set(ctx, ann, "another horse"); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("a change that could not wait: %v", err)
	}
	<-p.hashes
	if ok, err := p.match(t.Context(), ann, "correct horse"); !ok || err != nil {
		t.Errorf("after the wait: %t, %v", ok, err)
	}
}

// TestNobodyChose fails if a server without chosen passwords pays for guesses.
func TestNobodyChose(t *testing.T) {
	p := openCheap(t, records{})
	for range maxHashes {
		p.hashes <- struct{}{}
	}
	if ok, err := p.match(t.Context(), moot.MemberID{1}, "wrong horse"); ok || err != nil {
		t.Errorf("a guess: %t, %v", ok, err)
	}
}

// full is a State on a full disk.
type full struct{ records }

func (full) Save(string, any) error { return moot.Errorf(moot.Full, "no space left") }

func TestChosenPasswordIsSavedOrNot(t *testing.T) {
	state := records{}
	p := openCheap(t, state)
	must(t, p.set(t.Context(), moot.MemberID{1}, "correct horse"))
	p.state = full{state}
	if err := p.set(t.Context(), moot.MemberID{1}, "another horse"); moot.KindOf(err) != moot.Full {
		t.Errorf("a full disk: %v", err)
	}
	if ok, err := p.match(t.Context(), moot.MemberID{1}, "correct horse"); !ok || err != nil {
		t.Errorf("the one before it: %t, %v", ok, err)
	}
}
