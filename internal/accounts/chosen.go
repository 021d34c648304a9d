package accounts

import (
	"context"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"

	"github.com/mootspace/moot"
)

const (
	minPassword = 10   // characters of a chosen password
	maxPassword = 1024 // bytes of it
	argon2Size  = 32   // bytes of a hash
	maxHashes   = 2    // computed at once, of 64 MiB each
)

// cost is the parameters of Argon2id (RFC 9106).
type cost struct {
	Passes  uint32 `json:"t"`
	Memory  uint32 `json:"m"` // KiB
	Threads uint8  `json:"p"`
}

// newCost is the second recommended option of RFC 9106, 4, but for one thread instead of
// four: it is the same work, and leaves a server's other processors alone.
func newCost() cost { return cost{Passes: 3, Memory: 64 << 10, Threads: 1} }

// valid reports whether a hash can be computed at a bounded cost.
func (c cost) valid() bool {
	return c.Passes >= 1 && c.Passes <= 16 && c.Threads >= 1 && c.Threads <= 16 &&
		c.Memory >= 8*uint32(c.Threads) && c.Memory <= 1<<20
}

// hasher is a semaphore that bounds the memory of hashes: one slot each.
type hasher chan struct{}

func newHasher() hasher { return make(hasher, maxHashes) }

// hash returns the Argon2id hash of a text. It waits for its turn until ctx ends.
func (h hasher) hash(ctx context.Context, c cost, salt []byte, text string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, moot.Wrap("check a password", err)
	}
	select {
	case h <- struct{}{}:
		defer func() { <-h }()
	case <-ctx.Done():
		return nil, moot.Wrap("check a password", ctx.Err())
	}
	return argon2.IDKey([]byte(text), salt, c.Passes, c.Memory, c.Threads, argon2Size), nil
}

// prepare returns a password in one form for all keyboards and systems (RFC 8265, 4.2).
func prepare(text string) (string, error) {
	if len(text) > maxPassword {
		return "", moot.Errorf(moot.Invalid, "the password is longer than %d bytes", maxPassword)
	}
	prepared, err := precis.OpaqueString.String(text)
	if err != nil || !utf8.ValidString(text) {
		return "", moot.Errorf(moot.Invalid, "the password has characters that are not for passwords, such as control characters")
	}
	return prepared, nil
}

// checkChosen returns a password that a person chose, prepared. Kind Invalid if it is too
// easy to guess.
func checkChosen(text string) (string, error) {
	if utf8.RuneCountInString(text) < minPassword {
		return "", moot.Errorf(moot.Invalid, "the password has fewer than %d characters", minPassword)
	}
	return prepare(text)
}
