package operation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPreferWait(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"wait=5": 5 * time.Second, `wait="5"`: 5 * time.Second, "respond-async, wait=10": 10 * time.Second, "WAIT = 3": 3 * time.Second,
		`wait=1; foo="bar"`: time.Second, "wait=2;foo": 2 * time.Second, `respond-async; wait=9, wait = "3" ; a=b;c`: 3 * time.Second,
		`foo="a, wait=5", wait=3`: 3 * time.Second, `foo="a\", wait=5"; b=",", wait=4;c="x;, wait=6"`: 4 * time.Second,
	} {
		got, ok, err := preferredWait(header("Prefer", value))
		require.NoError(t, err, value)
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	for _, value := range []string{"return=minimal", `foo="a, wait=5"`, `foo; bar="b;, wait=5"`, `foo="a, wait=5`} {
		_, ok, err := preferredWait(header("Prefer", value))
		require.NoError(t, err, value)
		require.False(t, ok, value)
	}
	for _, value := range []string{"wait", "wait=x", "wait=-1", "wait=1, wait=2", "wait=1; a=b, wait=2", "wait;a=1", `wait=""5""`, `wait="5, wait=6"`} {
		_, _, err := preferredWait(header("Prefer", value))
		require.Error(t, err, value)
	}
}
