package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes lines of the given format (json or text) from the given level (debug, info,
// warn or error) up. The configuration has checked both; anything else is info and json.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: least}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(newJSONLines(w, options))
}
