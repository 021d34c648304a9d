package accounts

import (
	"bytes"
	"context"
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

// password is one that was made here: 100 random bits, so that a fast hash is enough. With
// Argon2 it is one that a person chose.
type password struct {
	Salt   []byte    `json:"salt"`
	Hash   []byte    `json:"hash"` // SHA-256 of salt and password, or Argon2id
	Made   time.Time `json:"made"`
	Argon2 *cost     `json:"argon2,omitempty"`
	Used   time.Time `json:"used,omitzero"` // to the day; zero: never yet
}

// passwords are those of mail programs and people, by member.
type passwords struct {
	state  State
	now    func() time.Time
	hashes hasher
	cost   cost // of those that are chosen from now on

	mu    sync.Mutex
	known map[moot.MemberID][]password
}

func openPasswords(state State, now func() time.Time) (*passwords, error) {
	p := &passwords{state: state, now: now, hashes: newHasher(), cost: newCost(), known: map[moot.MemberID][]password{}}
	if err := state.Load(passwordsFile, &p.known); err != nil && moot.KindOf(err) != moot.NotFound {
		return nil, err
	}
	for member, list := range p.known {
		for _, one := range list {
			if one.Argon2 != nil && !one.Argon2.valid() {
				return nil, moot.Errorf(moot.Corrupt, "%s: the password of %s has impossible parameters of Argon2", passwordsFile, member.Short())
			}
		}
	}
	return p, nil
}

// add makes a password and returns it in groups of five characters.
func (p *passwords) add(member moot.MemberID) (string, error) {
	var secret [13]byte
	one := password{Salt: newSalt(), Made: p.now().UTC().Truncate(time.Second)}
	rand.Read(secret[:]) // never fails (crypto/rand)
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret[:]))[:20]
	one.Hash = one.fastHash(text)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[member] = append(p.known[member], one)
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:], p.state.Save(passwordsFile, p.known)
}

// set replaces the password that the member chose; those that were made here stay. Kind
// Invalid for one that is too easy to guess; an ended ctx ends the wait for its turn.
func (p *passwords) set(ctx context.Context, member moot.MemberID, text string) error {
	text, err := checkChosen(text)
	if err != nil {
		return err
	}
	c := p.cost
	one := password{Salt: newSalt(), Made: p.now().UTC().Truncate(time.Second), Argon2: &c}
	if one.Hash, err = p.hashes.hash(ctx, c, one.Salt, text); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.known[member]
	p.known[member] = append(slices.DeleteFunc(slices.Clone(before), password.chosen), one)
	if err = p.state.Save(passwordsFile, p.known); err != nil {
		p.known[member] = before
	}
	return err
}

func (p *passwords) drop(member moot.MemberID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, member)
	return p.state.Save(passwordsFile, p.known)
}

func (p *passwords) count(member moot.MemberID) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.known[member])
}

// match reports whether a text is one of the member's passwords. How long it takes does
// not tell members from others, or those with a chosen password from those without.
func (p *passwords) match(ctx context.Context, member moot.MemberID, text string) (bool, error) {
	known, slow := p.of(member)
	fast := strings.ReplaceAll(strings.ToLower(text), "-", "")
	chosen, ok := p.decoy(), 0
	for _, one := range known {
		if one.chosen() {
			chosen = one
		} else if subtle.ConstantTimeCompare(one.fastHash(fast), one.Hash) == 1 {
			ok = 1
			p.use(member, one.Hash)
		}
	}
	if ok == 1 || !slow {
		return ok == 1, nil
	}
	text, err := prepare(text)
	if err != nil {
		return false, nil // for every member alike
	}
	hash, err := p.hashes.hash(ctx, *chosen.Argon2, chosen.Salt, text)
	same := subtle.ConstantTimeCompare(hash, chosen.Hash) == 1 && err == nil
	if same {
		p.use(member, chosen.Hash)
	}
	return same, err
}

// use records the day of a password's last use. A failure to save it does not fail the use.
func (p *passwords) use(member moot.MemberID, hash []byte) {
	day := p.now().UTC().Truncate(24 * time.Hour)
	p.mu.Lock()
	defer p.mu.Unlock()
	list := slices.Clone(p.known[member])
	i := slices.IndexFunc(list, func(one password) bool { return bytes.Equal(one.Hash, hash) })
	if i < 0 || list[i].Used.Equal(day) {
		return
	}
	list[i].Used = day
	p.known[member] = list
	_ = p.state.Save(passwordsFile, p.known) // the next change saves it, too
}

// lastUsed returns the day on which one of a member's passwords was used last.
func (p *passwords) lastUsed(member moot.MemberID) (day time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.known[member] {
		if one.Used.After(day) {
			day = one.Used
		}
	}
	return day
}

// of returns the member's passwords, and whether anybody has chosen one, so that a wrong
// one must cost as much as that.
func (p *passwords) of(member moot.MemberID) (known []password, slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.known {
		slow = slow || slices.ContainsFunc(list, password.chosen)
	}
	return slices.Clone(p.known[member]), slow
}

// decoy is a password that nothing matches, at the cost of one that was chosen.
func (p *passwords) decoy() password { return password{Salt: make([]byte, 16), Argon2: &p.cost} }

func (p password) chosen() bool { return p.Argon2 != nil }

func (p password) fastHash(text string) []byte {
	sum := sha256.Sum256(append(slices.Clone(p.Salt), text...))
	return sum[:]
}

func newSalt() []byte {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails (crypto/rand)
	return salt
}
