package telemetry_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/testlog"
)

func TestLogLinesAreBatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out testlog.Buffer
		buffer := telemetry.NewLogBuffer(&out)
		write := func(text string) {
			_, err := buffer.Write([]byte(text))
			require.NoError(t, err)
		}
		write("a\n")
		time.Sleep(49 * time.Millisecond) // a line stays in the buffer for at most 50 ms
		write("b\n")
		synctest.Wait()
		require.Empty(t, out.String())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Equal(t, "a\nb\n", out.String())

		write("c\n")
		require.NoError(t, buffer.Close())
		require.Equal(t, "a\nb\nc\n", out.String())
		time.Sleep(time.Second)
		write("d\n")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "a\nb\nc\nd\n", out.String(), "a line after Close is written too")
	})
}

func TestFullBufferIsWrittenImmediately(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out testlog.Buffer
		buffer := telemetry.NewLogBuffer(&out)
		long := strings.Repeat("x", 20<<10) + "\n"
		for range 3 {
			_, err := buffer.Write([]byte(long))
			require.NoError(t, err)
		}
		require.Len(t, out.String(), 2*len(long))
		require.NoError(t, buffer.Close())
		require.Len(t, out.String(), 3*len(long))
	})
}
