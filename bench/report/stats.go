package report

import (
	"cmp"
	"math"
	"slices"
)

// Median is the middle one of some numbers, or what lies between the middle two; 0 of none.
func Median[N ~float64 | ~int64](numbers []N) N {
	if len(numbers) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Percentile is the smallest number that is not exceeded by so many of a hundred; the zero value of none.
func Percentile[N cmp.Ordered](numbers []N, percent float64) N {
	if len(numbers) == 0 {
		return *new(N)
	}
	sorted := slices.Sorted(slices.Values(numbers))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
