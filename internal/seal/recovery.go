package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"

	"github.com/mootspace/moot"
)

// A recovery code is a seed and a checksum of five bytes in Crockford's base32: 60
// characters in groups of five.
const (
	recoveryAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	recoveryChecksum = 5 // bytes
	recoveryLength   = 60
	recoveryGroup    = 5
	maxRecoveryText  = 1000 // bytes with separators
)

var recoveryText = base32.NewEncoding(recoveryAlphabet).WithPadding(base32.NoPadding)

// RecoveryCode returns a seed for paper: 12 groups of five digits and capital letters,
// joined by hyphens.
func RecoveryCode(seed [32]byte) string {
	code := encodeRecovery(seed)
	var b strings.Builder
	for i := 0; i < len(code); i += recoveryGroup {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(code[i : i+recoveryGroup])
	}
	return b.String()
}

func encodeRecovery(seed [32]byte) string {
	sum := sha256.Sum256(append([]byte("moot recovery code"), seed[:]...))
	return recoveryText.EncodeToString(append(seed[:], sum[:recoveryChecksum]...))
}

// ParseRecoveryCode reads what RecoveryCode wrote and a person typed: in any case, with
// any spaces and hyphens, O for 0, and I or L for 1. Kind Invalid; the error names the
// group with the only mistyped character, and has no other part of the code.
func ParseRecoveryCode(text string) (seed [32]byte, err error) {
	code, err := foldRecovery(text)
	if err != nil {
		return seed, err
	}
	if len(code) != recoveryLength {
		return seed, moot.Errorf(moot.Invalid, "a recovery code has %d characters in groups of %d: these are %d", recoveryLength, recoveryGroup, len(code))
	}
	seed, ok := decodeRecovery(code)
	if !ok {
		return [32]byte{}, moot.Errorf(moot.Invalid, "the recovery code is mistyped%s", mistyped(code))
	}
	return seed, nil
}

// foldRecovery returns the characters of the alphabet that a text stands for.
func foldRecovery(text string) ([]byte, error) {
	if len(text) > maxRecoveryText {
		return nil, moot.Errorf(moot.Invalid, "a recovery code has %d characters: this text is too long for one", recoveryLength)
	}
	var code []byte
	for _, c := range text {
		if unicode.IsSpace(c) || unicode.Is(unicode.Pd, c) { // mail programs make dashes of hyphens
			continue
		}
		c = unicode.ToUpper(c)
		switch c {
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if !strings.ContainsRune(recoveryAlphabet, c) {
			return nil, moot.Errorf(moot.Invalid, "no recovery code has the character %q: look at group %d", c, len(code)/recoveryGroup+1)
		}
		code = append(code, byte(c))
	}
	return code, nil
}

// decodeRecovery reports false for a wrong checksum, and for bits beyond it.
func decodeRecovery(code []byte) (seed [32]byte, ok bool) {
	b, err := recoveryText.DecodeString(string(code))
	if err != nil || len(b) != len(seed)+recoveryChecksum {
		return seed, false
	}
	seed = [32]byte(b)
	return seed, encodeRecovery(seed) == string(code)
}

// mistyped returns words for where the only wrong character is, if there is only one.
func mistyped(code []byte) string {
	for i := range code {
		other := bytes.Clone(code)
		for _, c := range []byte(recoveryAlphabet) {
			other[i] = c
			if _, ok := decodeRecovery(other); ok {
				return fmt.Sprintf(": look at group %d", i/recoveryGroup+1)
			}
		}
	}
	return ": more than one character is wrong, or in another place"
}
