package cli

import (
	"math"
	"strconv"
	"strings"

	"github.com/mootspace/moot"
)

// maxPlanned bounds the members that a plan is made for.
const maxPlanned = 100_000

// classes are links of one kind: each rate, in bits per second, for so many members;
// count is 0 if one rate is for all.
type classes struct {
	count int
	sizes []int
	rates []float64
}

// each returns the rate of each of n members.
func (c classes) each(n int) []float64 {
	rates := make([]float64, 0, n)
	for i, r := range c.rates {
		size := n
		if c.count > 0 {
			size = c.sizes[i]
		}
		for range size {
			rates = append(rates, r)
		}
	}
	return rates
}

// parseClasses reads a rate, or classes as 5x10,10x30.
func parseClasses(flag, s string) (c classes, err error) {
	if !strings.ContainsAny(s, "x,") {
		r, err := parseRate(flag, s)
		c.rates = []float64{r}
		return c, err
	}
	for part := range strings.SplitSeq(s, ",") {
		count, rate, ok := strings.Cut(strings.TrimSpace(part), "x")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || n < 1 || n > maxPlanned {
			return c, moot.Errorf(moot.Invalid, "%s: %q is no class of links: want members x Mbit/s, as 5x10,10x30,5x80", flag, part)
		}
		r, err := parseRate(flag, rate)
		if err != nil {
			return c, err
		}
		c.count, c.sizes, c.rates = c.count+n, append(c.sizes, n), append(c.rates, r)
	}
	return c, nil
}

// parseRate reads Mbit/s as bits per second; "unlimited" is 0, as in package plan.
func parseRate(flag, s string) (float64, error) {
	if s == "unlimited" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0.001 && v <= 1e7) {
		return 0, moot.Errorf(moot.Invalid, "%s: %q is no rate: want Mbit/s from 0.001 to 10000000, as 50 or 2.5, or 'unlimited'", flag, s)
	}
	return v * 1e6, nil
}

// parseBytes reads a size as people write it: KB, MB, GB, TB are powers of 1000; KiB,
// MiB, GiB, TiB and the letter alone, as elsewhere in this program, of 1024.
func parseBytes(s string) (int64, error) {
	number, scale := strings.ToUpper(strings.ReplaceAll(s, " ", "")), 1.0
	base := 1024.0
	switch {
	case strings.HasSuffix(number, "IB"):
		number = strings.TrimSuffix(number, "IB")
	case strings.HasSuffix(number, "B"):
		number, base = strings.TrimSuffix(number, "B"), 1000
	}
	if n := len(number); n > 0 {
		if i := strings.IndexByte("KMGT", number[n-1]); i >= 0 {
			number, scale = number[:n-1], math.Pow(base, float64(i+1))
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v*scale >= 1 && v*scale <= 1<<50) {
		return 0, moot.Errorf(moot.Invalid, "--size: %q is no size of a file: want 1 byte to 1 PiB, as 700MB, 4GiB or 1000000", s)
	}
	return int64(math.Round(v * scale)), nil
}
