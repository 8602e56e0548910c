package temporal

import (
	"io"
	"log/slog"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger keeps what somebody should look at, until mute is called: what a server reports while it is being stopped
// (polls that were cut off, connections that closed) is its own doing. A fatal error panics instead of ending the
// process without a word, which is what it would do when the log is discarded.
func newLogger(writer io.Writer) (logger log.Logger, mute func()) {
	if writer == nil {
		writer = io.Discard
	}
	level := zap.NewAtomicLevelAt(zapcore.WarnLevel)
	core := zapcore.NewCore(
		zapcore.NewConsoleEncoder(log.DefaultZapEncoderConfig),
		zapcore.Lock(zapcore.AddSync(writer)),
		level,
	)
	mute = func() { level.SetLevel(zapcore.FatalLevel) }
	return log.NewZapLogger(zap.New(core, zap.WithFatalHook(zapcore.WriteThenPanic))), mute
}

func silentSDKLogger() sdklog.Logger {
	return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
}
