package testlog_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/testlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConcurrentWritesAreKept(t *testing.T) {
	t.Parallel()
	var buffer testlog.Buffer
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 100 {
				_, _ = buffer.Write([]byte("line\n"))
				_ = buffer.String()
			}
		})
	}
	writers.Wait()
	require.Equal(t, strings.Repeat("line\n", 800), buffer.String())
}
