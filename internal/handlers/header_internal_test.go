package handlers

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/sse"
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

func TestNegotiation(t *testing.T) {
	t.Parallel()
	all := []string{contentTypeJSON, contentTypeNDJSON, sse.ContentType}
	for accept, want := range map[string]string{
		"": contentTypeJSON, "*/*": contentTypeJSON, "application/*": contentTypeJSON, "application/json": contentTypeJSON,
		"application/x-ndjson": contentTypeNDJSON, "application/json;q=0.5, text/html": contentTypeJSON,
		"application/problem+json": contentTypeJSON, "application/x-ndjson;q=0, application/json": contentTypeJSON,
		// the highest quality
		"text/event-stream;q=0.5, application/json":                                             contentTypeJSON,
		"application/json, text/event-stream;q=0.5":                                             contentTypeJSON,
		"application/json;q=0.5, text/event-stream":                                             sse.ContentType,
		"application/x-ndjson;q=0.1,application/json;q=0.2":                                     contentTypeJSON,
		"text/event-stream;q=0.9, application/x-ndjson;q=0.91, application/json;Q=0.2, */*;q=1": contentTypeNDJSON,
		"text/event-stream;q=0.001":                                                             sse.ContentType,
		// of equal ones the operation's first
		"application/x-ndjson, application/json":                                         contentTypeJSON,
		"text/event-stream, application/x-ndjson":                                        contentTypeNDJSON,
		"text/event-stream;q=0.3, application/json;q=0.30":                               contentTypeJSON,
		"application/x-ndjson;q=0.2, application/x-ndjson;q=0.4, application/json;q=0.3": contentTypeNDJSON,
		// a name wins over a wildcard, which stands for JSON
		"application/x-ndjson, */*": contentTypeNDJSON, "*/*, text/event-stream": sse.ContentType,
		"text/event-stream;q=0.5, */*": contentTypeJSON, "application/x-ndjson;q=0, */*": contentTypeJSON,
		"application/json;q=0.1, text/event-stream;q=0.2, */*":    sse.ContentType,
		"application/*;q=0.1, */*;q=0.8, text/event-stream;q=0.5": sse.ContentType,
		// commas in quoted strings
		`text/html;x="a,text/event-stream,b", application/json;q=0.5`: contentTypeJSON,
		`text/html;x="a\",text/event-stream,b", */*`:                  contentTypeJSON,
		// what is no quality
		"text/event-stream;q=x, application/json;q=0.9": sse.ContentType, "application/json;q=NaN": contentTypeJSON,
		"application/json;q=0.9, text/event-stream;q=-1": sse.ContentType,
	} {
		got, err := negotiate(header("Accept", accept), all)
		require.NoError(t, err, accept)
		require.Equal(t, want, got, accept)
	}
	got, err := negotiate(header("Accept", "text/event-stream;q=0.5", "Accept", "application/json"), all)
	require.NoError(t, err)
	require.Equal(t, contentTypeJSON, got)
	for _, accept := range []string{
		"text/html", "image/*", "text/*", "application/x-ndjson;q=0", "*/*;q=0", "application/json;q=0", "application/json;q=0, */*", "application/json;q=0.000, text/html",
	} {
		_, err := negotiate(header("Accept", accept), all)
		require.True(t, problem.Is(err, problem.NotAcceptable), accept)
	}
}
