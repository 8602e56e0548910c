package transcode

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCivilDateMatchesTimePackage(t *testing.T) {
	t.Parallel()
	at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for days := uint(0); at.Year() < 10000; days++ {
		year, month, day := civilDate(days)
		if int(year) != at.Year() || int(month) != int(at.Month()) || int(day) != at.Day() {
			require.Equal(t, []int{at.Year(), int(at.Month()), at.Day()}, []int{int(year), int(month), int(day)}, "day %d", days)
		}
		at = at.AddDate(0, 0, 1)
	}
}
