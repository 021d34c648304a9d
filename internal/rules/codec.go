package rules

import (
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/tree"
)

// wireRule is the body of a rule's entry. Times are in seconds.
type wireRule struct {
	Copies  int   `cbor:"0,keyasint"`
	All     int64 `cbor:"1,keyasint,omitempty"`
	Daily   int64 `cbor:"2,keyasint,omitempty"`
	Least   int   `cbor:"3,keyasint,omitempty"`
	Removed int64 `cbor:"4,keyasint,omitempty"`
	Brief   int64 `cbor:"5,keyasint,omitempty"`
}

// Limits of a rule.
const (
	maxTime  = 100 * 365 * 24 * time.Hour // retention; a time.Duration holds three times as much
	maxLeast = 1_000_000                  // versions
)

var decoder = cbor.NewDecoder(cbor.Limits{})

// decode reads a rule. The error is of kind Invalid: the entry may be hostile.
func decode(key string, body []byte) (Rule, error) {
	prefix, err := prefixOf(key)
	if err != nil {
		return Rule{}, err
	}
	var w wireRule
	if len(body) > moot.MaxBody {
		return Rule{}, moot.Errorf(moot.Invalid, "a rule of %d bytes", len(body))
	}
	if err := decoder.Unmarshal(body, &w); err != nil {
		return Rule{}, moot.Errorf(moot.Invalid, "not a rule about files: %w", err)
	}
	for _, s := range []int64{w.All, w.Daily, w.Removed, w.Brief} {
		if s < 0 || s > int64(maxTime/time.Second) {
			return Rule{}, moot.Errorf(moot.Invalid, "versions cannot be retained for %d seconds", s)
		}
	}
	seconds := func(s int64) time.Duration { return time.Duration(s) * time.Second }
	rule := Rule{prefix, w.Copies, tree.Retention{
		All: seconds(w.All), Daily: seconds(w.Daily), Least: w.Least, Removed: seconds(w.Removed), Brief: seconds(w.Brief),
	}}
	return rule, rule.Check()
}

// encode returns the body of a rule. Kind Invalid.
func encode(rule Rule) ([]byte, error) {
	if err := rule.Check(); err != nil {
		return nil, err
	}
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	r := rule.Retention
	b, err := cbor.Marshal(wireRule{
		Copies: rule.Copies, All: seconds(r.All), Daily: seconds(r.Daily), Least: r.Least, Removed: seconds(r.Removed), Brief: seconds(r.Brief),
	})
	return b, moot.Wrap("encode a rule about files", err)
}

// Check reports, with kind Invalid, why a rule makes no sense.
func (r Rule) Check() error {
	if _, err := prefixOf(keyPrefix + r.Prefix); err != nil {
		return err
	}
	if r.Copies < 1 || r.Copies > MaxCopies {
		return moot.Errorf(moot.Invalid, "there cannot be %d copies (want 1 to %d)", r.Copies, MaxCopies)
	}
	for _, d := range []time.Duration{r.Retention.All, r.Retention.Daily, r.Retention.Removed, r.Retention.Brief} {
		if d < 0 || d > maxTime {
			return moot.Errorf(moot.Invalid, "versions cannot be retained for %v (want at most 100 years)", d)
		}
	}
	if r.Retention.Least < 0 || r.Retention.Least > maxLeast {
		return moot.Errorf(moot.Invalid, "there cannot be at least %d versions (want at most %d)", r.Retention.Least, maxLeast)
	}
	return nil
}

// prefixOf returns the path that a key is about. Kind Invalid.
func prefixOf(key string) (string, error) {
	prefix, ok := strings.CutPrefix(key, keyPrefix)
	if !ok || len(key) > moot.MaxKey {
		return "", moot.Errorf(moot.Invalid, "%.80q is not about a path of at most %d bytes", key, moot.MaxKey-len(keyPrefix))
	}
	return prefix, tree.CheckPath(prefix)
}
