package report

import (
	"cmp"
	"math"
	"slices"
)

// Median returns the median of numbers, or 0 if there are none. If their count is even, it is the mean of the middle
// two.
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

// Percentile returns the smallest of the numbers such that at least the given percentage of the numbers does not exceed
// it. It returns zero if there are no numbers.
func Percentile[N cmp.Ordered](numbers []N, percent float64) N {
	if len(numbers) == 0 {
		return *new(N)
	}
	sorted := slices.Sorted(slices.Values(numbers))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
