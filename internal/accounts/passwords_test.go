package accounts

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// records is a State in memory.
type records map[string][]byte

func (r records) Load(name string, v any) error {
	if r[name] == nil {
		return moot.Errorf(moot.NotFound, "never saved")
	}
	return json.Unmarshal(r[name], v)
}

func (r records) Save(name string, v any) (err error) {
	r[name], err = json.Marshal(v)
	return err
}

func TestPasswords(t *testing.T) {
	state, ann, bob := records{}, moot.Key{1}, moot.Key{2}
	p, err := openPasswords(state, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	one, err := p.add(ann)
	if err != nil || !regexp.MustCompile(`^([a-z2-7]{5}-){3}[a-z2-7]{5}$`).MatchString(one) {
		t.Fatalf("a password is %q, %v", one, err)
	}
	two, err := p.add(ann)
	if err != nil || two == one {
		t.Fatalf("the second password is %q, %v", two, err)
	}
	if strings.Contains(string(state[passwordsFile]), strings.ReplaceAll(one, "-", "")) {
		t.Error("a password is stored in the clear")
	}
	again, err := openPasswords(state, time.Now) // after a restart
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		member moot.Key
		text   string
		want   bool
	}{
		{ann, one, true},
		{ann, two, true},
		{ann, strings.ToUpper(one), true},
		{ann, strings.ReplaceAll(one, "-", ""), true},
		{ann, one[:len(one)-1], false},
		{ann, one + "a", false},
		{ann, "", false},
		{bob, one, false},
		{moot.Key{}, one, false},
	} {
		if got := again.match(c.member, c.text); got != c.want {
			t.Errorf("%q of %s matches: %t, want %t", c.text, c.member.Short(), got, c.want)
		}
	}
	if again.count(ann) != 2 || again.count(bob) != 0 {
		t.Errorf("ann has %d passwords, bob %d", again.count(ann), again.count(bob))
	}
	if err := again.drop(ann); err != nil || again.match(ann, one) || again.count(ann) != 0 {
		t.Errorf("dropped passwords: %v, match %t", err, again.match(ann, one))
	}
}

func TestDamagedPasswords(t *testing.T) {
	if _, err := openPasswords(records{passwordsFile: []byte("{")}, time.Now); err == nil {
		t.Error("a damaged file is taken for an empty one")
	}
}
