package stack

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// recordingWriter records the data of each write.
type recordingWriter struct {
	mu     sync.Mutex
	writes []string
}

func (w *recordingWriter) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, string(data))
	return len(data), nil
}

func TestCompleteLinesAreForwarded(t *testing.T) {
	t.Parallel()
	forward := &recordingWriter{}
	log := &lineLog{forward: forward}
	for _, piece := range []string{"a", "b\nc", "d", "\n\ne\nf\ng", ""} {
		n, err := log.Write([]byte(piece))
		require.NoError(t, err)
		require.Equal(t, len(piece), n)
	}
	require.Equal(t, []string{"ab\n", "cd\n\ne\nf\n"}, forward.writes)
	require.Equal(t, []string{"ab", "cd", "", "e", "f"}, log.lines())
	log.flush()
	log.flush()
	require.Equal(t, "g\n", forward.writes[len(forward.writes)-1], "flush forwards the incomplete line once")
	require.Equal(t, "ab\ncd\n\ne\nf\ng\n", strings.Join(forward.writes, ""))
	require.Equal(t, "g", log.lines()[5])
}

func TestTooLongLineIsForwardedInParts(t *testing.T) {
	t.Parallel()
	forward := &recordingWriter{}
	log := &lineLog{forward: forward}
	long := strings.Repeat("x", maxLine+1)
	_, _ = log.Write([]byte(long))
	require.Equal(t, long+"\n", strings.Join(forward.writes, ""))
	_, _ = log.Write([]byte("y\n"))
	require.Equal(t, []string{long, "y"}, log.lines())
}

func TestLinesOfTwoProcessesDoNotMix(t *testing.T) {
	t.Parallel()
	const times = 1000
	forward := &recordingWriter{}
	var processes sync.WaitGroup
	for _, letter := range []string{"a", "b"} {
		processes.Go(func() {
			log := &lineLog{forward: forward}
			for range times {
				for _, piece := range []string{letter, letter + letter, letter + "\n" + letter, letter + "\n"} {
					_, _ = log.Write([]byte(piece))
				}
			}
		})
	}
	processes.Wait()
	lines := strings.Split(strings.TrimSuffix(strings.Join(forward.writes, ""), "\n"), "\n")
	require.Len(t, lines, 4*times)
	for _, line := range lines {
		require.Contains(t, []string{"aaaa", "aa", "bbbb", "bb"}, line)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestForwardingErrorsAreIgnored(t *testing.T) {
	t.Parallel()
	log := &lineLog{forward: brokenWriter{}}
	n, err := log.Write([]byte("a\n"))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{"a"}, log.lines())
}
