package apikey_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/testlog"
)

const interval = 5 * time.Second

// watched is a keys file under watch, in a synctest bubble.
type watched struct {
	path          string
	authenticator *auth.Authenticator

	log testlog.Buffer

	// mu is for the race detector, which does not see that a bubble's clock
	// orders accesses: the watch writes again after the test has read.
	mu      sync.Mutex
	reloads []error
}

func watch(t *testing.T, path string, given ...apikey.Options) *watched {
	t.Helper()
	w := &watched{path: path}
	options := first(given)
	options.Log, options.OnReload = slog.New(slog.NewTextHandler(&w.log, nil)), w.onReload
	keys, err := apikey.Open(path, options)
	require.NoError(t, err)
	w.authenticator = authenticatorOf(keys)
	go keys.Watch(t.Context(), interval)
	return w
}

func (w *watched) onReload(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reloads = append(w.reloads, err)
}

func (w *watched) reloaded() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reloads
}

func (w *watched) accepts(secret string) bool {
	_, err := authenticate(w.authenticator, http.Header{"X-Api-Key": {"fg_dev_" + secret}})
	return err == nil
}

func (w *watched) write(t *testing.T, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(w.path, []byte(content), 0o600))
}

// tick lets the watch look once.
func tick() {
	time.Sleep(interval)
	synctest.Wait()
}

func TestWatchTakesANewFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, oneKey(secretA))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		tick()
		require.Empty(t, w.reloaded(), "an unchanged file is not reloaded")
		w.write(t, oneKey(secretB))
		require.True(t, w.accepts(secretA), "nobody has looked yet")
		tick()
		require.Equal(t, []error{nil}, w.reloaded())
		require.False(t, w.accepts(secretA))
		require.True(t, w.accepts(secretB))
	})
}

func TestWatchSeesAChangeThatKeepsTimeAndSize(t *testing.T) {
	t.Parallel()
	path := writeFile(t, oneKey(secretA))
	synctest.Test(t, func(t *testing.T) {
		before, err := os.Stat(path)
		require.NoError(t, err)
		w := watch(t, path)
		w.write(t, oneKey(secretB))
		require.NoError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
		tick()
		require.True(t, w.accepts(secretB))
	})
}

func TestWatchKeepsTheOldKeysWhenTheNewFileIsBroken(t *testing.T) {
	t.Parallel()
	path := writeFile(t, oneKey(secretA))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		for i, broken := range []string{"keys: [", "", "keys: [{id: dev, secrets: " + secretB + "}]"} {
			w.write(t, broken)
			tick()
			tick()
			require.Len(t, w.reloaded(), i+1, "one report a version")
			require.Error(t, w.reloaded()[i])
			require.True(t, w.accepts(secretA))
		}
		require.Equal(t, 3, strings.Count(w.log.String(), "level=ERROR"))
		require.NotContains(t, w.log.String(), marker)

		w.write(t, oneKey(secretB))
		tick()
		require.NoError(t, w.reloaded()[3])
		require.True(t, w.accepts(secretB))
	})
}

func TestWatchOutlivesAMissingFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, oneKey(secretA))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		require.NoError(t, os.Remove(path))
		tick()
		tick()
		require.Len(t, w.reloaded(), 1)
		require.ErrorIs(t, w.reloaded()[0], os.ErrNotExist)
		require.True(t, w.accepts(secretA))

		w.write(t, oneKey(secretA))
		tick()
		require.Len(t, w.reloaded(), 2, "that the same file is back is news")
		require.NoError(t, w.reloaded()[1])
	})
}

// Kubernetes mounts a secret as file -> ..data/file, ..data -> a directory a
// version, and renames a new ..data over the old one.
func TestWatchFollowsAKubernetesSwap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, secret string) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "keys.yaml"), []byte(oneKey(secret)), 0o600))
		require.NoError(t, os.Symlink(name, filepath.Join(dir, "..tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	version("..1", secretA)
	path := filepath.Join(dir, "keys.yaml")
	require.NoError(t, os.Symlink(filepath.Join("..data", "keys.yaml"), path))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		require.True(t, w.accepts(secretA))
		version("..2", secretB)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "..1")))
		tick()
		require.False(t, w.accepts(secretA))
		require.True(t, w.accepts(secretB))
	})
}

func TestOpenRefusesWhatIsNoSmallFile(t *testing.T) {
	t.Parallel()
	_, err := apikey.Open(filepath.Join(t.TempDir(), "absent"), apikey.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = apikey.Open(t.TempDir(), apikey.Options{})
	require.ErrorContains(t, err, "not a regular file")
	_, err = apikey.Open(writeFile(t, strings.Repeat("# filler\n", 1<<18)), apikey.Options{})
	require.ErrorContains(t, err, "larger than")
}

func TestKeysAreReadWhileTheyAreReplaced(t *testing.T) {
	t.Parallel()
	path := writeFile(t, oneKey(secretA))
	keys, err := apikey.Open(path, apikey.Options{})
	require.NoError(t, err)
	go keys.Watch(t.Context(), time.Millisecond)
	authenticator := authenticatorOf(keys)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 500 {
				_, _ = authenticate(authenticator, http.Header{"X-Api-Key": {"fg_dev_" + secretA}})
			}
		})
	}
	for _, secret := range []string{secretB, secretA, secretB} {
		require.NoError(t, os.WriteFile(path, []byte(oneKey(secret)), 0o600))
	}
	readers.Wait()
	require.Eventually(t, func() bool {
		_, err := authenticate(authenticator, http.Header{"X-Api-Key": {"fg_dev_" + secretB}})
		return err == nil
	}, 5*time.Second, time.Millisecond)
}
