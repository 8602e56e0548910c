package reload_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/reload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upper parses any text except one that begins with "bad".
func upper(content []byte, _ *string) (*string, error) {
	if bytes.HasPrefix(content, []byte("bad")) {
		return nil, errors.New("bad content")
	}
	text := strings.ToUpper(string(content))
	return &text, nil
}

func TestInvalidVersionNeverReplacesValidOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("one")
	var log bytes.Buffer
	var reloads []error
	file, err := reload.Open(path, upper, reload.Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)), OnReload: func(err error) { reloads = append(reloads, err) },
	})
	require.NoError(t, err)
	poll := func() string {
		file.Poll(context.Background())
		return *file.Load()
	}
	require.Equal(t, "ONE", poll())
	require.Empty(t, reloads)
	require.True(t, file.InForce())
	write("bad")
	require.Equal(t, "ONE", poll())
	require.False(t, file.InForce())
	require.Equal(t, "ONE", poll(), "an invalid version is reported once")
	require.Len(t, reloads, 1)
	require.Error(t, reloads[0])
	require.NoError(t, os.Remove(path))
	require.Equal(t, "ONE", poll())
	require.Len(t, reloads, 2)
	require.False(t, file.InForce(), "the file is missing")
	write("one")
	require.Equal(t, "ONE", poll())
	require.True(t, file.InForce(), "the version in force is back")
	write("two")
	require.Equal(t, "TWO", poll())
	require.NoError(t, reloads[2])
	require.NoError(t, reloads[3])
	require.Equal(t, 2, strings.Count(log.String(), "level=ERROR"), log.String())
}

func TestOpenAcceptsOnlySmallRegularFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	require.NoError(t, os.WriteFile(large, make([]byte, 1<<20+1), 0o600))
	for path, want := range map[string]string{
		filepath.Join(dir, "absent"): "no such file", dir: "not a regular file", large: "larger than 1048576 bytes",
	} {
		_, err := reload.Open(path, upper, reload.Options{})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), dir, "the path may be a misplaced secret")
	}
}
