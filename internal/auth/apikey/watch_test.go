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
	"github.com/flowgate/flowgate/internal/auth/authtest"
	"github.com/flowgate/flowgate/internal/testlog"
)

// interval is the time between two checks of the files.
const interval = 5 * time.Second

// watched is a keys file that is watched in a synctest bubble.
type watched struct {
	path          string
	authenticator *auth.Authenticator

	log testlog.Buffer

	// mu is for the race detector, which does not know that the bubble's clock
	// orders the accesses.
	mu      sync.Mutex
	reloads []error
}

// watch opens and watches a keys file, with at most one set of options.
func watch(t *testing.T, path string, given ...apikey.Options) *watched {
	t.Helper()
	w := &watched{path: path}
	options := append(given, apikey.Options{})[0] // the given options, or the zero value
	options.Log, options.OnReload = slog.New(slog.NewTextHandler(&w.log, nil)), w.onReload
	keys, err := apikey.Open(path, options)
	require.NoError(t, err)
	w.authenticator = newAuthenticator(keys)
	go keys.Watch(t.Context(), interval)
	return w
}

func (w *watched) onReload(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reloads = append(w.reloads, err)
}

// reloaded returns the arguments of all calls of OnReload.
func (w *watched) reloaded() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reloads
}

// accepts reports whether the key with the id dev and the secret is valid.
func (w *watched) accepts(secret string) bool {
	_, err := authtest.Authenticate(w.authenticator, http.Header{"X-Api-Key": {"fg_dev_" + secret}})
	return err == nil
}

func (w *watched) write(t *testing.T, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(w.path, []byte(content), 0o600))
}

// tick waits until the files have been checked once more.
func tick() {
	time.Sleep(interval)
	synctest.Wait()
}

func TestWatchReloadsAChangedFile(t *testing.T) {
	t.Parallel()
	path := authtest.WriteFile(t, authtest.KeysFile(authtest.SecretA))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		tick()
		require.Empty(t, w.reloaded(), "an unchanged file is not reloaded")
		w.write(t, authtest.KeysFile(authtest.SecretB))
		require.True(t, w.accepts(authtest.SecretA), "the file has not been checked yet")
		tick()
		require.Equal(t, []error{nil}, w.reloaded())
		require.False(t, w.accepts(authtest.SecretA))
		require.True(t, w.accepts(authtest.SecretB))
	})
}

func TestWatchDetectsAChangeWithTheSameTimeAndSize(t *testing.T) {
	t.Parallel()
	path := authtest.WriteFile(t, authtest.KeysFile(authtest.SecretA))
	synctest.Test(t, func(t *testing.T) {
		before, err := os.Stat(path)
		require.NoError(t, err)
		w := watch(t, path)
		w.write(t, authtest.KeysFile(authtest.SecretB))
		require.NoError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
		tick()
		require.True(t, w.accepts(authtest.SecretB))
	})
}

func TestWatchKeepsTheOldKeysIfTheNewFileIsInvalid(t *testing.T) {
	t.Parallel()
	path := authtest.WriteFile(t, authtest.KeysFile(authtest.SecretA))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		for i, invalid := range []string{"keys: [", "", "keys: [{id: dev, secrets: " + authtest.SecretB + "}]"} {
			w.write(t, invalid)
			tick()
			tick()
			require.Len(t, w.reloaded(), i+1, "each version is reported once")
			require.Error(t, w.reloaded()[i])
			require.True(t, w.accepts(authtest.SecretA))
		}
		require.Equal(t, 3, strings.Count(w.log.String(), "level=ERROR"))
		require.NotContains(t, w.log.String(), authtest.Marker)

		w.write(t, authtest.KeysFile(authtest.SecretB))
		tick()
		require.NoError(t, w.reloaded()[3])
		require.True(t, w.accepts(authtest.SecretB))
	})
}

func TestWatchKeepsTheKeysIfTheFileIsRemoved(t *testing.T) {
	t.Parallel()
	path := authtest.WriteFile(t, authtest.KeysFile(authtest.SecretA))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		require.NoError(t, os.Remove(path))
		tick()
		tick()
		require.Len(t, w.reloaded(), 1)
		require.ErrorIs(t, w.reloaded()[0], os.ErrNotExist)
		require.True(t, w.accepts(authtest.SecretA))

		w.write(t, authtest.KeysFile(authtest.SecretA))
		tick()
		require.Len(t, w.reloaded(), 2, "the return of the same file is reported")
		require.NoError(t, w.reloaded()[1])
	})
}

// Kubernetes mounts the files of a secret as symbolic links to ..data/file, and ..data
// as a link to a directory for each version. An update renames a new ..data over the
// old one.
func TestWatchReloadsAfterAKubernetesUpdate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	update := func(name, secret string) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "keys.yaml"), []byte(authtest.KeysFile(secret)), 0o600))
		require.NoError(t, os.Symlink(name, filepath.Join(dir, "..tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	update("..1", authtest.SecretA)
	path := filepath.Join(dir, "keys.yaml")
	require.NoError(t, os.Symlink(filepath.Join("..data", "keys.yaml"), path))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		require.True(t, w.accepts(authtest.SecretA))
		update("..2", authtest.SecretB)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "..1")))
		tick()
		require.False(t, w.accepts(authtest.SecretA))
		require.True(t, w.accepts(authtest.SecretB))
	})
}

func TestOpenRequiresASmallRegularFile(t *testing.T) {
	t.Parallel()
	_, err := apikey.Open(filepath.Join(t.TempDir(), "absent"), apikey.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = apikey.Open(t.TempDir(), apikey.Options{})
	require.ErrorContains(t, err, "not a regular file")
	_, err = apikey.Open(authtest.WriteFile(t, strings.Repeat("# filler\n", 1<<18)), apikey.Options{})
	require.ErrorContains(t, err, "larger than")
}

func TestVerifyDuringReloads(t *testing.T) {
	t.Parallel()
	path := authtest.WriteFile(t, authtest.KeysFile(authtest.SecretA))
	keys, err := apikey.Open(path, apikey.Options{})
	require.NoError(t, err)
	go keys.Watch(t.Context(), time.Millisecond)
	authenticator := newAuthenticator(keys)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 500 {
				_, _ = authtest.Authenticate(authenticator, http.Header{"X-Api-Key": {"fg_dev_" + authtest.SecretA}})
			}
		})
	}
	for _, secret := range []string{authtest.SecretB, authtest.SecretA, authtest.SecretB} {
		require.NoError(t, os.WriteFile(path, []byte(authtest.KeysFile(secret)), 0o600))
	}
	readers.Wait()
	require.Eventually(t, func() bool {
		_, err := authtest.Authenticate(authenticator, http.Header{"X-Api-Key": {"fg_dev_" + authtest.SecretB}})
		return err == nil
	}, 5*time.Second, time.Millisecond)
}
