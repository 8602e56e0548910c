package transcode

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryDayHasItsDate(t *testing.T) {
	t.Parallel()
	at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for days := 0; at.Year() < 10000; days++ {
		year, month, day := civil(days)
		if year != at.Year() || month != int(at.Month()) || day != at.Day() {
			require.Equal(t, []int{at.Year(), int(at.Month()), at.Day()}, []int{year, month, day}, "day %d", days)
		}
		at = at.AddDate(0, 0, 1)
	}
}
