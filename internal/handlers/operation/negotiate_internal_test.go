package operation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/sse"
)

func TestNegotiateMediaType(t *testing.T) {
	t.Parallel()
	all := []string{JSON, NDJSON, sse.ContentType}
	for accept, want := range map[string]string{
		"": JSON, "*/*": JSON, "application/*": JSON, "application/json": JSON,
		"application/x-ndjson": NDJSON, "application/json;q=0.5, text/html": JSON,
		"application/problem+json": JSON, "application/x-ndjson;q=0, application/json": JSON,
		// the highest quality
		"text/event-stream;q=0.5, application/json":                                             JSON,
		"application/json, text/event-stream;q=0.5":                                             JSON,
		"application/json;q=0.5, text/event-stream":                                             sse.ContentType,
		"application/x-ndjson;q=0.1,application/json;q=0.2":                                     JSON,
		"text/event-stream;q=0.9, application/x-ndjson;q=0.91, application/json;Q=0.2, */*;q=1": NDJSON,
		"text/event-stream;q=0.001":                                                             sse.ContentType,
		// equal qualities: the first type of the operation
		"application/x-ndjson, application/json":                                         JSON,
		"text/event-stream, application/x-ndjson":                                        NDJSON,
		"text/event-stream;q=0.3, application/json;q=0.30":                               JSON,
		"application/x-ndjson;q=0.2, application/x-ndjson;q=0.4, application/json;q=0.3": NDJSON,
		// a named type takes precedence over a wildcard, which stands for JSON
		"application/x-ndjson, */*": NDJSON, "*/*, text/event-stream": sse.ContentType,
		"text/event-stream;q=0.5, */*": JSON, "application/x-ndjson;q=0, */*": JSON,
		"application/json;q=0.1, text/event-stream;q=0.2, */*":    sse.ContentType,
		"application/*;q=0.1, */*;q=0.8, text/event-stream;q=0.5": sse.ContentType,
		// commas in quoted strings
		`text/html;x="a,text/event-stream,b", application/json;q=0.5`: JSON,
		`text/html;x="a\",text/event-stream,b", */*`:                  JSON,
		// invalid qualities
		"text/event-stream;q=x, application/json;q=0.9": sse.ContentType, "application/json;q=NaN": JSON,
		"application/json;q=0.9, text/event-stream;q=-1": sse.ContentType,
	} {
		got, err := negotiate(header("Accept", accept), all)
		require.NoError(t, err, accept)
		require.Equal(t, want, got, accept)
	}
	got, err := negotiate(header("Accept", "text/event-stream;q=0.5", "Accept", "application/json"), all)
	require.NoError(t, err)
	require.Equal(t, JSON, got)
	for _, accept := range []string{
		"text/html", "image/*", "text/*", "application/x-ndjson;q=0", "*/*;q=0", "application/json;q=0", "application/json;q=0, */*", "application/json;q=0.000, text/html",
	} {
		_, err := negotiate(header("Accept", accept), all)
		require.True(t, problem.Is(err, problem.NotAcceptable), accept)
	}
}
