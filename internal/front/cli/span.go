package cli

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mootspace/moot"
)

const (
	day     = 24 * time.Hour
	maxSpan = 100 * 365 * day
)

// span is a flag's duration: Go's, or a number of days, weeks or years.
type span time.Duration

// spanVar defines a flag that takes a duration; what it is called in the help stands in
// backquotes in usage.
func spanVar(f *pflag.FlagSet, to *time.Duration, flag string, value time.Duration, usage string) {
	*to = value
	f.Var((*span)(to), flag, usage)
}

func (s *span) Set(text string) error {
	d, err := parseSpan(text)
	if err == nil {
		*s = span(d)
	}
	return err
}

func (s *span) Type() string { return "duration" }

// String writes whole days as such; nothing for 0, which is what help leaves out.
func (s *span) String() string {
	switch d := time.Duration(*s); {
	case d == 0:
		return ""
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	default:
		return d.String()
	}
}

// parseSpan reads a duration with a unit, days, weeks and years among them, up to a century.
func parseSpan(s string) (time.Duration, error) {
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day, "y": 365 * day} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			v, err := strconv.ParseFloat(number, 64)
			if err == nil && v >= 0 && v <= math.Floor(float64(maxSpan)/float64(unit)) {
				return time.Duration(v * float64(unit)), nil
			}
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 && d <= maxSpan {
		return d, nil
	}
	return 0, moot.Errorf(moot.Invalid, "%q is not a duration (want 30m, 12h, 7d)", s)
}
