package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes lines in the given format (json or text) at or above the given level (debug,
// info, warn or error). The configuration validates both; here, any other value means json or info.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	var minLevel slog.Level
	if err := minLevel.UnmarshalText([]byte(level)); err != nil {
		minLevel = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: minLevel}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(newJSONLines(w, options))
}
