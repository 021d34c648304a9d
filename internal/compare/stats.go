package compare

import (
	"math"
	"slices"
)

// Spread is what several measurements of one thing gave.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spread of no values is all zero. With an even number of values the median is the
// mean of the middle two.
func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Clone(values)
	slices.Sort(v)
	return Spread{Median: (v[(len(v)-1)/2] + v[len(v)/2]) / 2, Min: v[0], Max: v[len(v)-1]}
}

// spreadOf is the spread of one figure of several runs.
func spreadOf(runs []Run, figure func(Run) float64) Spread {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = figure(r)
	}
	return spread(values)
}

// ratio is a divided by b; 0 if that makes no sense.
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
