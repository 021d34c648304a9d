package accounts

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const passwordsFile = "passwords.json"

// password is one that was made here: 100 random bits, so that a fast hash is enough.
type password struct {
	Salt []byte    `json:"salt"`
	Hash []byte    `json:"hash"` // SHA-256 of salt and password
	Made time.Time `json:"made"`
}

// passwords are those of mail programs, by member.
type passwords struct {
	state State
	now   func() time.Time

	mu    sync.Mutex
	known map[moot.Key][]password
}

func openPasswords(state State, now func() time.Time) (*passwords, error) {
	p := &passwords{state: state, now: now, known: map[moot.Key][]password{}}
	if err := state.Load(passwordsFile, &p.known); err != nil && moot.KindOf(err) != moot.NotFound {
		return nil, err
	}
	return p, nil
}

// add makes a password and returns it in groups of five characters.
func (p *passwords) add(member moot.Key) (string, error) {
	var secret [13]byte
	one := password{Salt: make([]byte, 16), Made: p.now().UTC().Truncate(time.Second)}
	rand.Read(secret[:]) // never fails (crypto/rand)
	rand.Read(one.Salt)
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret[:]))[:20]
	one.Hash = one.hash(text)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[member] = append(p.known[member], one)
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:], p.state.Save(passwordsFile, p.known)
}

func (p *passwords) drop(member moot.Key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, member)
	return p.state.Save(passwordsFile, p.known)
}

func (p *passwords) count(member moot.Key) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.known[member])
}

// match reports whether a text is one of the member's passwords, in constant time.
func (p *passwords) match(member moot.Key, text string) bool {
	p.mu.Lock()
	known := slices.Clone(p.known[member])
	p.mu.Unlock()
	text = strings.ReplaceAll(strings.ToLower(text), "-", "")
	ok := 0
	for _, one := range known {
		ok |= subtle.ConstantTimeCompare(one.hash(text), one.Hash)
	}
	return ok == 1
}

func (p password) hash(text string) []byte {
	sum := sha256.Sum256(append(slices.Clone(p.Salt), text...))
	return sum[:]
}
