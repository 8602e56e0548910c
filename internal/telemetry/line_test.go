package telemetry_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// The fast path must write the same line as slog. A logger with attributes does not use the fast path, so it must write
// its attributes.
func TestFastPathWritesTheSameLineAsSlog(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain ~", `"`, `\`, "<&>", "\n", "\x00", "\x7f", "é", "\u2028", "\xff"} {
		e := fullEvent()
		e.RequestID, e.Detail = text, text
		var fast, viaSlog bytes.Buffer
		logger := telemetry.NewLogger(&fast, "info", "json")
		e.Log(logger)
		e.Log(slog.New(slog.NewJSONHandler(&viaSlog, nil)))
		require.Equal(t, withoutTime(viaSlog.String()), withoutTime(fast.String()), "%q", text)
		fast.Reset()
		e.Log(logger.With(slog.String("own", "attribute")))
		require.Contains(t, fast.String(), `"msg":"request","own":"attribute"`)
	}
}

// withoutTime removes the time from a line, if the time has the expected format.
func withoutTime(line string) string {
	return regexp.MustCompile(`^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"`).ReplaceAllString(line, "{time")
}
