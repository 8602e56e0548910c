package report

import (
	"cmp"
	"math"
	"slices"
)

// Median returns the median of numbers, 0 if there are none. For an even count it is the mean of the middle two.
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

// Percentile returns the smallest number that at least percent of the numbers do not exceed. It returns zero if there
// are no numbers.
func Percentile[N cmp.Ordered](numbers []N, percent float64) N {
	if len(numbers) == 0 {
		return *new(N)
	}
	sorted := slices.Sorted(slices.Values(numbers))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
