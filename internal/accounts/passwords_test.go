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
	state, ann, bob := records{}, moot.MemberID{1}, moot.MemberID{2}
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
		member moot.MemberID
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
		{moot.MemberID{}, one, false},
	} {
		if got, err := again.match(t.Context(), c.member, c.text); got != c.want || err != nil {
			t.Errorf("%q of %s matches: %t, %v, want %t", c.text, c.member.Short(), got, err, c.want)
		}
	}
	if again.count(ann) != 2 || again.count(bob) != 0 {
		t.Errorf("ann has %d passwords, bob %d", again.count(ann), again.count(bob))
	}
	must(t, again.drop(ann))
	if ok, err := again.match(t.Context(), ann, one); ok || err != nil || again.count(ann) != 0 {
		t.Errorf("dropped passwords: match %t, %v, %d left", ok, err, again.count(ann))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPasswordsOfVersion010 holds the file that version 0.1.0 wrote.
func TestPasswordsOfVersion010(t *testing.T) {
	state := records{passwordsFile: []byte(`{"` + moot.MemberID{1}.String() + `":[{"salt":"AAECAwQFBgcICQoLDA0ODw==","hash":"muTbbjNUbbBDKMkuW7abQ36TLIQeETQMBvtcFlsAWGM=","made":"2026-10-01T00:00:00Z"}]}`)}
	p, err := openPasswords(state, time.Now)
	must(t, err)
	if ok, err := p.match(t.Context(), moot.MemberID{1}, "abcde-abcde-abcde-abcde"); !ok || err != nil {
		t.Errorf("an old password: %t, %v", ok, err)
	}
	p.cost = cost{Passes: 1, Memory: 64, Threads: 1}
	must(t, p.set(t.Context(), moot.MemberID{2}, "correct horse"))
	p = openCheap(t, state)
	if ok, err := p.match(t.Context(), moot.MemberID{1}, "abcde-abcde-abcde-abcde"); !ok || err != nil {
		t.Errorf("an old password in a new file: %t, %v", ok, err)
	}
}

func TestDamagedPasswords(t *testing.T) {
	for name, file := range map[string]string{
		"cut short": "{",
		"no passes": `{"` + moot.MemberID{1}.String() + `":[{"salt":"AA==","hash":"AA==","argon2":{"t":0,"m":65536,"p":1}}]}`,
		"4 TiB":     `{"` + moot.MemberID{1}.String() + `":[{"salt":"AA==","hash":"AA==","argon2":{"t":1,"m":4294967295,"p":1}}]}`,
		"no thread": `{"` + moot.MemberID{1}.String() + `":[{"salt":"AA==","hash":"AA==","argon2":{"t":1,"m":65536}}]}`,
	} {
		if _, err := openPasswords(records{passwordsFile: []byte(file)}, time.Now); err == nil {
			t.Errorf("%s: a damaged file was read", name)
		}
	}
}
