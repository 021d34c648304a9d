package compare

import (
	"math"
	"slices"
)

// Range is the median and the extremes of repeated measurements.
type Range struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// rangeOf no values is zero. The median of an even number is the mean of the middle two.
func rangeOf(values []float64) Range {
	if len(values) == 0 {
		return Range{}
	}
	v := slices.Clone(values)
	slices.Sort(v)
	return Range{Median: (v[(len(v)-1)/2] + v[len(v)/2]) / 2, Min: v[0], Max: v[len(v)-1]}
}

// rangeOver is the range of a figure over runs.
func rangeOver(runs []Run, value func(Run) float64) Range {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = value(r)
	}
	return rangeOf(values)
}

// ratio is a/b; 0 if that is no finite number.
func ratio(a, b float64) float64 {
	if q := a / b; !math.IsNaN(q) && !math.IsInf(q, 0) {
		return q
	}
	return 0
}

func sum(values []int64) (total int64) {
	for _, v := range values {
		total += v
	}
	return total
}
