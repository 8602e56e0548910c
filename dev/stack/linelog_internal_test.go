package stack

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// pieces records each write.
type pieces struct {
	mu  sync.Mutex
	all []string
}

func (p *pieces) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, string(data))
	return len(data), nil
}

func TestCompleteLinesAreForwarded(t *testing.T) {
	t.Parallel()
	forward := &pieces{}
	log := &lineLog{forward: forward}
	for _, piece := range []string{"a", "b\nc", "d", "\n\ne\nf\ng", ""} {
		n, err := log.Write([]byte(piece))
		require.NoError(t, err)
		require.Equal(t, len(piece), n)
	}
	require.Equal(t, []string{"ab\n", "cd\n\ne\nf\n"}, forward.all)
	require.Equal(t, []string{"ab", "cd", "", "e", "f"}, log.lines())
	log.flush()
	log.flush()
	require.Equal(t, "g\n", forward.all[len(forward.all)-1], "the last line of the process")
	require.Equal(t, "ab\ncd\n\ne\nf\ng\n", strings.Join(forward.all, ""))
	require.Equal(t, "g", log.lines()[5])
}

func TestEndlessLineIsForwardedInParts(t *testing.T) {
	t.Parallel()
	forward := &pieces{}
	log := &lineLog{forward: forward}
	long := strings.Repeat("x", maxLine+1)
	_, _ = log.Write([]byte(long))
	require.Equal(t, long+"\n", strings.Join(forward.all, ""))
	_, _ = log.Write([]byte("y\n"))
	require.Equal(t, []string{long, "y"}, log.lines())
}

func TestLinesOfTwoWritersDoNotMix(t *testing.T) {
	t.Parallel()
	const times = 1000
	forward := &pieces{}
	var writers sync.WaitGroup
	for _, letter := range []string{"a", "b"} {
		writers.Go(func() {
			log := &lineLog{forward: forward}
			for range times {
				for _, piece := range []string{letter, letter + letter, letter + "\n" + letter, letter + "\n"} {
					_, _ = log.Write([]byte(piece))
				}
			}
		})
	}
	writers.Wait()
	lines := strings.Split(strings.TrimSuffix(strings.Join(forward.all, ""), "\n"), "\n")
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
