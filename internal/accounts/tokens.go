// Package accounts holds the members whose keys a node keeps, and what programs
// authenticate with: passwords of mail programs and tokens, of which it stores hashes only.
//
// It must not know a protocol, a front end, a home or how a node is assembled.
package accounts

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mootspace/moot"
)

// State is where accounts are saved: named values as files of JSON.
type State interface {
	Load(name string, v any) error // kind NotFound if it was never saved
	Save(name string, v any) error // durable when it returns
}

const (
	tokensFile   = "tokens.json"
	tokenPrefix  = "moot_" // lets programs that look for leaked secrets find tokens
	secretBytes  = 32
	maxTokenName = 128 // bytes
)

// TokenOptions shape a token.
type TokenOptions struct {
	Name     string        `json:"name"`
	ReadOnly bool          `json:"read_only,omitempty"`
	Expires  time.Duration `json:"expires,omitempty"` // from now; 0 for never
}

// Token lets a program act as the node's member.
type Token struct {
	Name     string    `json:"name"`
	Token    string    `json:"token,omitempty"` // the secret; only from Add
	ReadOnly bool      `json:"read_only,omitempty"`
	Made     time.Time `json:"made"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	Used     time.Time `json:"used,omitzero"`    // to the day; zero: never yet
}

// savedToken is a token as it is saved.
type savedToken struct {
	Token
	Hash string `json:"sha256"` // of the secret, in hexadecimal
}

// Tokens are the tokens of a node. The secrets have 256 bits, so that a plain hash of one
// reveals nothing.
type Tokens struct {
	mu    sync.Mutex
	state State
	now   func() time.Time
	log   *slog.Logger
	list  []savedToken // by name
	// revoked are closed when the token of that name is; of those that were used.
	revoked map[string]chan struct{}
}

// OpenTokens reads the tokens in a state. log may be nil.
func OpenTokens(state State, now func() time.Time, log *slog.Logger) (*Tokens, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t := &Tokens{state: state, now: now, log: log, revoked: map[string]chan struct{}{}}
	err := state.Load(tokensFile, &t.list)
	if moot.KindOf(err) == moot.NotFound {
		err = nil
	}
	return t, moot.Wrap("read the tokens", err)
}

// Add makes a token; only the token returned holds the secret. Kinds: Invalid, Conflict if
// there is one of that name.
func (t *Tokens) Add(o TokenOptions) (Token, error) {
	if err := checkName(o.Name); err != nil {
		return Token{}, err
	}
	if o.Expires < 0 {
		return Token{}, moot.Errorf(moot.Invalid, "a token cannot expire before it is made")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.index(o.Name) >= 0 {
		return Token{}, moot.Errorf(moot.Conflict, "there is a token named %q: choose another name, or remove that one first", o.Name)
	}
	made := Token{Name: o.Name, ReadOnly: o.ReadOnly, Made: t.now().UTC().Truncate(time.Second)}
	if o.Expires > 0 {
		made.Expires = made.Made.Add(o.Expires)
	}
	raw := make([]byte, secretBytes)
	rand.Read(raw)
	secret := tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
	list := append(slices.Clone(t.list), savedToken{made, hash(secret)})
	slices.SortFunc(list, func(a, b savedToken) int { return cmp.Compare(a.Name, b.Name) })
	if err := t.save(list); err != nil {
		return Token{}, err
	}
	made.Token = secret
	return made, nil
}

// List returns the tokens by name, without secrets.
func (t *Tokens) List() []Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Token, len(t.list))
	for i, s := range t.list {
		list[i] = s.Token
	}
	return list
}

// Remove revokes a token at once. Kind NotFound.
func (t *Tokens) Remove(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.index(name)
	if i < 0 {
		return moot.Errorf(moot.NotFound, "there is no token named %q", name)
	}
	if err := t.save(slices.Delete(slices.Clone(t.list), i, i+1)); err != nil {
		return err
	}
	if revoked := t.revoked[name]; revoked != nil {
		close(revoked)
		delete(t.revoked, name)
	}
	return nil
}

// revocation returns the channel that is closed when a token is revoked.
func (t *Tokens) revocation(name string) <-chan struct{} {
	if t.revoked[name] == nil {
		t.revoked[name] = make(chan struct{})
	}
	return t.revoked[name]
}

// Check returns the token that has a secret, and a channel that is closed when it is
// revoked. Kinds: Stranger if none has, Expired.
func (t *Tokens) Check(secret string) (_ Token, revoked <-chan struct{}, err error) {
	h := []byte(hash(secret))
	t.mu.Lock()
	defer t.mu.Unlock()
	found := -1
	for i, s := range t.list { // all of them: the time must not depend on which one matches
		if subtle.ConstantTimeCompare([]byte(s.Hash), h) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Token{}, nil, moot.Errorf(moot.Stranger, "the token is unknown, or was revoked")
	}
	now := t.now().UTC()
	if s := t.list[found]; !s.Expires.IsZero() && !now.Before(s.Expires) {
		return Token{}, nil, moot.Errorf(moot.Expired, "the token %q has expired", s.Name)
	}
	t.use(found, now.Truncate(24*time.Hour))
	return t.list[found].Token, t.revocation(t.list[found].Name), nil
}

// use records the day of a token's last use. A failure to save it does not fail the use.
func (t *Tokens) use(i int, day time.Time) {
	if t.list[i].Used.Equal(day) {
		return
	}
	t.list[i].Used = day
	if err := t.state.Save(tokensFile, t.list); err != nil {
		t.log.Warn("save the last use of a token", "token", t.list[i].Name, "err", err)
	}
}

// save replaces the list, durably.
func (t *Tokens) save(list []savedToken) error {
	if err := t.state.Save(tokensFile, list); err != nil {
		return moot.Wrap("save the tokens", err)
	}
	t.list = list
	return nil
}

func (t *Tokens) index(name string) int {
	return slices.IndexFunc(t.list, func(s savedToken) bool { return s.Name == name })
}

func hash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// checkName reports, with kind Invalid, why a token may not have a name.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > maxTokenName:
		return moot.Errorf(moot.Invalid, "a token's name has 1 to %d bytes", maxTokenName)
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return moot.Errorf(moot.Invalid, "the name %q has characters that cannot be shown", name)
	}
	return nil
}
