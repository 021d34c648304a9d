package plan

import (
	"math"
	"strconv"
	"strings"
)

// FormatPercent formats a probability with as many digits as distinguish it from 1.
func FormatPercent(p float64) string {
	switch away := 100 * (1 - p); {
	case p >= 1:
		return "100 %"
	case away < 1e-4:
		return "> 99.9999 %"
	case away < 1:
		digits := 1 + int(math.Ceil(-math.Log10(away)))
		return strings.TrimRight(strconv.FormatFloat(100*p, 'f', digits, 64), "0") + " %"
	case p > 0 && p < 0.01:
		return strconv.FormatFloat(100*p, 'g', 2, 64) + " %"
	}
	return strings.TrimSuffix(strconv.FormatFloat(100*p, 'f', 1, 64), ".0") + " %"
}

// FormatSeconds formats a time in the unit that suits it, with about three digits.
func FormatSeconds(seconds float64) string {
	const minute, hour, day, year = 60, 60 * 60, 24 * 60 * 60, 365 * 24 * 60 * 60
	switch {
	case seconds > 200*year:
		return "> 200 years"
	case seconds >= 2*year:
		return FormatNumber(seconds/year) + " years"
	case seconds >= 2*day:
		return FormatNumber(seconds/day) + " days"
	case seconds >= hour:
		return pair(seconds/minute, 60, "h", "min")
	case seconds >= minute:
		return pair(seconds, 60, "min", "s")
	case seconds >= 1 || seconds == 0:
		return FormatNumber(seconds) + " s"
	}
	return FormatNumber(seconds*1e3) + " ms"
}

// pair formats a number of small units as large ones and the rest.
func pair(small float64, per int, large, unit string) string {
	n := int(math.Round(small))
	return strconv.Itoa(n/per) + " " + large + " " + strconv.Itoa(n%per) + " " + unit
}

// FormatNumber formats a number with three digits, without trailing zeros.
func FormatNumber(f float64) string {
	switch {
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 10:
		return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
	}
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(f, 'f', 2, 64), "0"), ".")
}
