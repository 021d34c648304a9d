package cli

import (
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// TestPlanWords: what people write, and what must not pass as something else.
func TestPlanWords(t *testing.T) {
	for s, want := range map[string]int64{
		"1": 1, "1000000": 1e6, "700MB": 700e6, "700 MB": 700e6, "700MiB": 700 << 20, "700M": 700 << 20, "1.5gb": 1.5e9, "4GiB": 4 << 30, "2t": 2 << 40, "12B": 12,
		"": 0, "0": 0, "-1": 0, "lots": 0, "NaN": 0, "2PB": 0, "2000TiB": 0, "1e30": 0, "iB": 0,
	} {
		got, err := parseBytes(s)
		if got != want || (want == 0) != (moot.KindOf(err) == moot.Invalid) {
			t.Errorf("%q is %d bytes, %v; want %d", s, got, err, want)
		}
	}
	for s, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "12h": 12 * time.Hour, "30d": 720 * time.Hour, "0.5d": 12 * time.Hour, "2w": 336 * time.Hour, "1y": 8760 * time.Hour,
		"": 0, "30": 0, "d": 0, "-1d": 0, "1000y": 0, "NaNd": 0, "-5m": 0, "1000000h": 0,
	} {
		if got, err := parseSpan(s); got != want || (want == 0) != (moot.KindOf(err) == moot.Invalid) {
			t.Errorf("%q is %v, %v; want %v", s, got, err, want)
		}
	}
	for s, want := range map[string][]float64{
		"2.5": {2.5e6, 2.5e6, 2.5e6}, "unlimited": {0, 0, 0}, "2x10,1x30": {10e6, 10e6, 30e6}, "1xunlimited, 2x1": {0, 1e6, 1e6},
		"": nil, "0": nil, "-3": nil, "x": nil, "3x": nil, "0x5": nil, "2x10,": nil, "2x10,30": nil, "1000000x5": nil, "Inf": nil,
	} {
		c, err := parseClasses("--up", s)
		if want == nil && moot.KindOf(err) == moot.Invalid {
			continue
		}
		if err != nil || !slices.Equal(c.each(3), want) {
			t.Errorf("%q is %v, %v; want %v", s, c.each(3), err, want)
		}
	}
}
