package telemetry_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// TestLinesEqualSlog compares the fast path with slog, which a logger with
// attributes uses. Only the attributes differ.
func TestLinesEqualSlog(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain ~", `"`, `\`, "<&>", "\n", "\x00", "\x7f", "é", "\u2028", "\xff"} {
		e := fullEvent()
		e.RequestID, e.Detail = text, text
		var short, long bytes.Buffer
		logger := telemetry.NewLogger(&short, "info", "json")
		e.Log(logger)
		e.Log(slog.New(slog.NewJSONHandler(&long, nil)))
		require.Equal(t, untimed(long.String()), untimed(short.String()), "%q", text)
		short.Reset()
		e.Log(logger.With(slog.String("own", "attribute")))
		require.Contains(t, short.String(), `"msg":"request","own":"attribute"`)
	}
}

// untimed replaces the digits of the time and keeps its form.
func untimed(line string) string {
	return regexp.MustCompile(`^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"`).ReplaceAllString(line, "{time")
}
