package mime

import (
	"strconv"
	"strings"
	"time"
)

const maxDate = 200 // bytes that are parsed of a date

// ParseDate parses a date as people and programs have written it: RFC 5322 and its
// obsolete forms, asctime's, ISO 8601's; without a weekday, seconds or a zone, with comments.
func ParseDate(s string) (time.Time, bool) {
	s = strings.Trim(withoutComments(Decode(s[:min(len(s), maxDate)])), " \t\"'")
	s = spacedColon.Replace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	d := dateParser{day: -1, year: -1, zone: time.FixedZone("", 0)}
	for _, one := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		pieces := []string{one}
		if strings.Count(one, "-") == 2 { // 7-Feb-1994
			pieces = strings.Split(one, "-")
		}
		for _, piece := range pieces {
			d.token(piece)
		}
	}
	if d.day < 1 || d.day > 31 || d.month == 0 || d.year < 0 || d.year > 9999 {
		return time.Time{}, false
	}
	return time.Date(d.year, d.month, d.day, d.hour, d.minute, d.second, 0, d.zone), true
}

// spacedColon removes white space around colons (RFC 5322, 4.3).
var spacedColon = strings.NewReplacer("   : ", ":", "  : ", ":", " : ", ":", " :", ":", ": ", ":")

type dateParser struct {
	day, year            int // -1: not read
	month                time.Month
	hour, minute, second int
	zone                 *time.Location
}

// token takes a word or number. Unknown ones are ignored.
func (d *dateParser) token(s string) {
	lower := strings.ToLower(s)
	switch {
	case s == "":
	case strings.Contains(s, ":") && s[0] != '+' && s[0] != '-':
		d.clock(lower)
	case strings.Count(s, ".") == 2 && d.year >= 0: // 08.30.00
		d.clock(strings.ReplaceAll(lower, ".", ":"))
	case s[0] == '+' || s[0] == '-':
		d.offset(s)
	case s[0] >= '0' && s[0] <= '9':
		d.number(strings.TrimRight(lower, ".stndrh"))
	case lower == "pm" && d.hour < 12:
		d.hour += 12
	case lower == "am" && d.hour == 12:
		d.hour = 0
	case len(lower) >= 3 && month(lower[:3]) != 0 && d.month == 0:
		d.month = month(lower[:3])
	default:
		d.named(lower)
	}
}

func month(s string) time.Month {
	const english = "jan feb mar apr may jun jul aug sep oct nov dec "
	if i := strings.Index(english, s+" "); i >= 0 && i%4 == 0 {
		return time.Month(i/4 + 1)
	}
	return 0
}

// number takes the day, which is first, or the year.
func (d *dateParser) number(s string) {
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
	case d.day < 0 && len(s) <= 2:
		d.day = n
	case d.year >= 0:
	case len(s) == 2 && n < 50: // RFC 5322, 4.3
		d.year = 2000 + n
	case len(s) <= 3:
		d.year = 1900 + n
	default:
		d.year = n
	}
}

// clock takes hours:minutes, with seconds, and with a zone behind them.
func (d *dateParser) clock(s string) {
	if i := strings.IndexAny(s, "+-z"); i > 0 {
		d.token(s[i:])
		s = s[:i]
	}
	for i, to := range []*int{&d.hour, &d.minute, &d.second} {
		piece, rest, _ := strings.Cut(s, ":")
		s = rest
		piece, _, _ = strings.Cut(piece, ".")
		digits := strings.TrimRight(piece, "apm")
		if n, err := strconv.Atoi(digits); err == nil && n >= 0 && (n < 24 || n <= 60 && i > 0) {
			*to = n
		}
		if piece != digits {
			d.token(piece[len(digits):])
		}
	}
}

// offset takes a zone as +hhmm or +hh:mm.
func (d *dateParser) offset(s string) {
	digits := strings.ReplaceAll(s[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return
	}
	if len(digits) <= 2 {
		n *= 100
	}
	seconds := (n/100*60 + n%100) * 60
	if seconds >= 24*3600 {
		return
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	d.zone = time.FixedZone("", seconds)
}

// named takes a named zone (RFC 5322, 4.3). Others are unknown and mean UTC.
func (d *dateParser) named(s string) {
	if i := strings.IndexAny(s, "+-"); i > 0 {
		d.offset(s[i:])
		return
	}
	for i, standard := range []string{"est", "cst", "mst", "pst"} {
		switch s {
		case standard:
			d.zone = time.FixedZone("", -(5+i)*3600)
		case standard[:1] + "dt":
			d.zone = time.FixedZone("", -(4+i)*3600)
		}
	}
}

// withoutComments removes comments (RFC 5322, 3.2.2). One that is not closed is text.
func withoutComments(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	var b strings.Builder
	p := scanner{s: s}
	for i := 0; i < len(s); i++ {
		if s[i] == '(' {
			if end, ok := p.closing(i); ok {
				i = end
				b.WriteByte(' ')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.TrimSpace(b.String())
}
