package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestPreferWait(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"wait=5": 5 * time.Second, `wait="5"`: 5 * time.Second, "respond-async, wait=10": 10 * time.Second, "WAIT = 3": 3 * time.Second,
	} {
		got, ok, err := preferredWait(header("Prefer", value))
		require.NoError(t, err, value)
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	_, ok, err := preferredWait(header("Prefer", "return=minimal"))
	require.NoError(t, err)
	require.False(t, ok)
	for _, value := range []string{"wait", "wait=x", "wait=-1", "wait=1, wait=2"} {
		_, _, err := preferredWait(header("Prefer", value))
		require.Error(t, err, value)
	}
}

func TestIdempotencyKeyNamesOneRequest(t *testing.T) {
	t.Parallel()
	id := func(principal, namespace, operation, target, key string) string {
		got, err := requestID(header("Idempotency-Key", key), principal, namespace, operation, target)
		require.NoError(t, err)
		return got
	}
	base := id("dev", "default", "startWorkflow", "w", "k")
	require.Len(t, base, 36)
	require.Equal(t, base, id("dev", "default", "startWorkflow", "w", "k"))
	for _, other := range []string{
		id("read", "default", "startWorkflow", "w", "k"), id("dev", "other", "startWorkflow", "w", "k"),
		id("dev", "default", "signalWorkflow", "w", "k"), id("dev", "default", "startWorkflow", "x", "k"),
		id("dev", "default", "startWorkflow", "w", "l"), id("de", "vdefault", "startWorkflow", "w", "k"),
	} {
		require.NotEqual(t, base, other)
	}
	first, err := requestID(header(), "dev", "default", "startWorkflow", "w")
	require.NoError(t, err)
	second, err := requestID(header(), "dev", "default", "startWorkflow", "w")
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	_, err = requestID(header("Idempotency-Key", strings.Repeat("k", 256)), "", "", "", "")
	require.Error(t, err)
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	both := []string{contentTypeJSON, contentTypeNDJSON}
	for accept, want := range map[string]string{
		"": contentTypeJSON, "*/*": contentTypeJSON, "application/*": contentTypeJSON, "application/json": contentTypeJSON,
		"application/x-ndjson": contentTypeNDJSON, "application/x-ndjson, */*": contentTypeNDJSON,
		"application/json;q=0.5, text/html": contentTypeJSON, "application/problem+json": contentTypeJSON,
		"application/x-ndjson;q=0, application/json": contentTypeJSON,
	} {
		got, err := negotiate(header("Accept", accept), both)
		require.NoError(t, err, accept)
		require.Equal(t, want, got, accept)
	}
	for _, accept := range []string{"text/html", "image/*", "application/x-ndjson;q=0"} {
		_, err := negotiate(header("Accept", accept), both)
		require.True(t, problem.Is(err, problem.NotAcceptable), accept)
	}
}
