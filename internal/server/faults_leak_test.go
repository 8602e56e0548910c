package server_test

import (
	"bytes"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// requireIdle requires that no request is counted as in flight, and that the goroutines
// are the same as before the fault.
func (f *faulty) requireIdle(t *testing.T) {
	t.Helper()
	synctest.Wait()
	gauges := f.InFlight(t)
	require.Len(t, gauges, 7)
	for name, value := range gauges {
		require.Equal(t, "0", value, name)
	}
	require.Equal(t, f.before, f.goroutines(t))
}

// callLine matches a line of the metrics of upstream calls.
var callLine = regexp.MustCompile(`(?m)^rpc_client_call_duration_seconds_(?:count|sum).*$`)

// goroutines counts the goroutines of the synctest bubble by the function that started
// them. It closes idle connections of the test's clients first.
func (f *faulty) goroutines(t *testing.T) map[string]int {
	t.Helper()
	f.Client.CloseIdleConnections()
	f.Admin.CloseIdleConnections()
	synctest.Wait()
	stacks := allStacks()
	bubble := bubbleName.FindString(stacks[0]) // the first stack is that of the current goroutine
	require.NotEmpty(t, bubble)
	counts := map[string]int{}
	for _, stack := range stacks {
		if head, _, _ := strings.Cut(stack, "\n"); !strings.Contains(head, bubble) {
			continue
		}
		counts[creator(stack)]++
	}
	return counts
}

var bubbleName = regexp.MustCompile(`synctest bubble \d+[\],]`)

// creator returns the function that started the goroutine with the given stack.
func creator(stack string) string {
	_, by, _ := strings.Cut(stack, "\ncreated by ")
	name, _, _ := strings.Cut(by, " in goroutine")
	return name
}

func allStacks() []string {
	buffer := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buffer, true)
		if n < len(buffer) {
			return strings.Split(string(bytes.TrimSpace(buffer[:n])), "\n\n")
		}
		buffer = make([]byte, 2*len(buffer))
	}
}
