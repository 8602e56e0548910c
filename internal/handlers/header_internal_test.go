package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestRequestTimeoutIsReadInBothSyntaxes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"500ms": 500 * time.Millisecond, "1m30s": 90 * time.Second} {
		got, err := requestTimeout(header("Request-Timeout", value))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for value, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "500m": 500 * time.Millisecond,
		"7u": 7 * time.Microsecond, "9n": 9, "99999999H": 1<<63 - 1 - (1<<63-1)%time.Hour,
	} {
		got, err := requestTimeout(header("Grpc-Timeout", value))
		require.NoError(t, err, value)
		require.Equal(t, want, got, value)
	}
	got, err := requestTimeout(header())
	require.NoError(t, err)
	require.Zero(t, got)
}

func TestRequestTimeoutRefusesWhatItCannotMean(t *testing.T) {
	t.Parallel()
	for _, h := range []http.Header{
		header("Request-Timeout", "5"), header("Request-Timeout", "0s"), header("Request-Timeout", "-1s"),
		header("Request-Timeout", "abc"), header("Request-Timeout", "1e9s"),
		header("Request-Timeout", "1s", "Request-Timeout", "2s"),
		header("Request-Timeout", "1s", "Grpc-Timeout", "1S"),
		header("Grpc-Timeout", "1s"), header("Grpc-Timeout", "S"), header("Grpc-Timeout", "123456789S"),
		header("Grpc-Timeout", "-5S"), header("Grpc-Timeout", "0S"), header("Grpc-Timeout", "+5S"),
	} {
		_, err := requestTimeout(h)
		require.True(t, problem.Is(err, problem.InvalidRequest), "%v", h)
	}
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

func TestCallerMetadataIsByAllowList(t *testing.T) {
	t.Parallel()
	a := &API{options: Options{CallerMetadata: []string{"x-tenant", "trace-bin"}}}
	principal := &auth.Principal{Name: "dev", CallerMetadata: []string{"x-own"}}
	md, err := a.callerMetadata(header(
		"Grpc-Metadata-X-Tenant", "blue", "Grpc-Metadata-X-Own", "1", "Grpc-Metadata-X-Own", "2",
		"Grpc-Metadata-Trace-Bin", "AP8=", "X-Other", "ignored"), principal)
	require.NoError(t, err)
	require.Equal(t, metadata.MD{"x-tenant": {"blue"}, "x-own": {"1", "2"}, "trace-bin": {"\x00\xff"}}, md)

	for _, name := range []string{"Authorization", "Temporal-Namespace", "Client-Name", "Grpc-Timeout", "X-Unknown", ""} {
		_, err := a.callerMetadata(header("Grpc-Metadata-"+name, "v"), principal)
		require.True(t, problem.Is(err, problem.MetadataNotAllowed), name)
	}
	_, err = a.callerMetadata(header("Grpc-Metadata-Trace-Bin", "***"), principal)
	require.True(t, problem.Is(err, problem.InvalidRequest))
}

func TestReservedMetadataIsRefusedEvenWhenListed(t *testing.T) {
	t.Parallel()
	a := &API{options: Options{CallerMetadata: []string{"authorization"}}}
	_, err := a.callerMetadata(header("Grpc-Metadata-Authorization", "Bearer evil"), &auth.Principal{})
	require.True(t, problem.Is(err, problem.MetadataNotAllowed))
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
