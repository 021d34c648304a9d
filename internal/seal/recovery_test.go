package seal_test

import (
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// recoverySeed is 0, 1, 2 … 31, and its code stands on paper for ever.
func recoverySeed() (seed [32]byte) {
	for i := range seed {
		seed[i] = byte(i)
	}
	return seed
}

const recoveryCode = "000G4-0R40M-30E20-9185G-R38E1-W8124-GK2GA-HC5RR-34D1P-70X3R-FHZCX-XZF50"

func TestRecoveryCode(t *testing.T) {
	if got := seal.RecoveryCode(recoverySeed()); got != recoveryCode {
		t.Fatalf("the code is %s", got)
	}
	tolerant := strings.NewReplacer("0", "o", "1", "l")
	for name, text := range map[string]string{
		"as it is":       recoveryCode,
		"lower case":     strings.ToLower(recoveryCode),
		"without groups": strings.ReplaceAll(recoveryCode, "-", ""),
		"spaces":         strings.ReplaceAll(recoveryCode, "-", "  "),
		"two lines":      "  " + recoveryCode[:35] + "\r\n\t" + recoveryCode[36:] + "\n",
		"dashes":         strings.ReplaceAll(recoveryCode, "-", "\u2013"),
		"O and L":        tolerant.Replace(recoveryCode),
		"I":              strings.ReplaceAll(recoveryCode, "1", "I"),
	} {
		if got, err := seal.ParseRecoveryCode(text); err != nil || got != recoverySeed() {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

// TestMistypedRecoveryCode replaces every character by some others.
func TestMistypedRecoveryCode(t *testing.T) {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	groups := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
	for i := range recoveryCode {
		if recoveryCode[i] == '-' {
			continue
		}
		for n := range 4 {
			c := alphabet[(strings.IndexByte(alphabet, recoveryCode[i])+1+n*9)%len(alphabet)]
			text := recoveryCode[:i] + string(c) + recoveryCode[i+1:]
			_, err := seal.ParseRecoveryCode(text)
			if moot.KindOf(err) != moot.Invalid || !strings.HasSuffix(err.Error(), "look at group "+groups[i/6]) {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
}

func TestBadRecoveryCodes(t *testing.T) {
	swapped := []byte(recoveryCode)
	swapped[6], swapped[7] = swapped[7], swapped[6]
	for text, want := range map[string]string{
		"":                                      "these are 0",
		recoveryCode[1:]:                        "these are 59",
		recoveryCode + "0":                      "these are 61",
		string(swapped):                         "more than one character",
		strings.Repeat("00000-", 12):            "more than one character",
		"U" + recoveryCode[1:]:                  `'U': look at group 1`,
		recoveryCode[:70] + "?":                 `'?': look at group 12`,
		strings.Repeat(recoveryCode, 100):       "too long",
		recoveryCode[:20] + "\xff" + "00000000": "look at group",
	} {
		seed, err := seal.ParseRecoveryCode(text)
		if moot.KindOf(err) != moot.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
		if seed != ([32]byte{}) {
			t.Errorf("%.80q has a seed with its error", text)
		}
	}
}

func FuzzParseRecoveryCode(f *testing.F) {
	f.Add(recoveryCode)
	f.Add(strings.ToLower(recoveryCode))
	f.Add(recoveryCode[1:])
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		seed, err := seal.ParseRecoveryCode(text)
		if err != nil {
			if moot.KindOf(err) != moot.Invalid {
				t.Fatal(err)
			}
			return
		}
		if back, err := seal.ParseRecoveryCode(seal.RecoveryCode(seed)); err != nil || back != seed {
			t.Fatalf("%q: %x became %x, %v", text, seed, back, err)
		}
	})
}
