package temporal

import (
	"io"
	"log/slog"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger returns a logger for warnings and errors. After a call to mute, the logger discards them: a server that is
// stopping logs aborted polls and closed connections, which are expected. A fatal error panics, because the default is
// to exit, and with a discarded log the process would exit without a message.
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
