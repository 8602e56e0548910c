package progress_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/progress"
)

func TestStepPrintsProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := progress.New(&out)
		require.NoError(t, p.Step("quick step", nil, func() error { return nil }))
		failure := errors.New("no")
		require.ErrorIs(t, p.Step("building", func() string { return "2 of 3" }, func() error {
			<-time.After(11 * time.Second)
			return failure
		}), failure)
		p.Println("done")
		require.Equal(t, []string{
			"[  0.0s] quick step",
			"[  0.0s] building",
			"[  5.0s] still building: 2 of 3",
			"[ 10.0s] still building: 2 of 3",
			"[ 11.0s] done",
		}, strings.Split(strings.TrimSpace(out.String()), "\n"))
	})
}
