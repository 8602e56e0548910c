package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// withStack runs a shell script as the command of with-stack.
func withStack(t *testing.T, ctx context.Context, script string) (code int, stdout, stderr string) {
	t.Helper()
	var stdoutBuffer, stderrBuffer bytes.Buffer
	code, err := run(ctx, []string{"sh", "-c", script}, &stdoutBuffer, &stderrBuffer)
	require.NoError(t, err)
	return code, stdoutBuffer.String(), stderrBuffer.String()
}

func TestCommandReceivesAddressesAndSetsExitCode(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := withStack(t, t.Context(), `env | grep ^FLOWGATE_ | sort | cut -d: -f1; echo bad >&2; exit 3`)
	require.Equal(t, 3, code)
	require.Equal(t, "bad\n", stderr)
	require.Equal(t, strings.Join([]string{
		"FLOWGATE_ADMIN_KEY=fg_admin_00000000000000000000000000000000", "FLOWGATE_ADMIN_URL=http",
		"FLOWGATE_KEY=fg_dev_00000000000000000000000000000000", "FLOWGATE_NAMESPACE=default",
		"FLOWGATE_READER_KEY=fg_read_00000000000000000000000000000000", "FLOWGATE_TASK_QUEUE=orders",
		"FLOWGATE_UPSTREAM_ADDRESS=127.0.0.1", "FLOWGATE_URL=http", "",
	}, "\n"), stdout)
}

func TestInterruptStopsProcessGroup(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	go func() {
		_, _ = reader.Read(make([]byte, 1)) // the command prints "running"
		interrupt()
		_, _ = io.Copy(io.Discard, reader)
	}()
	// If only the shell received the signal, sleep would keep the output open and run would not return.
	code, err := run(ctx, []string{"sh", "-c", "echo running; sleep 1000 & wait"}, writer, io.Discard)
	require.NoError(t, err)
	require.Equal(t, signalExitBase+int(syscall.SIGTERM), code)
	require.NoError(t, writer.Close())
}

func TestCommandThatCannotStartIsReported(t *testing.T) {
	t.Parallel()
	code, err := run(t.Context(), []string{"./no-such-command"}, io.Discard, io.Discard)
	require.Equal(t, exitFailure, code)
	require.ErrorContains(t, err, "no-such-command")

	_, err = run(t.Context(), nil, io.Discard, io.Discard)
	require.ErrorContains(t, err, "usage")
}
