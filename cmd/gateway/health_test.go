package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// adminListener starts a server in place of the admin listener. Its /livez returns 200 and its /readyz the given status.
// It returns the address.
func adminListener(t *testing.T, readiness int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != "localhost": // the admin listener rejects unknown host names
			w.WriteHeader(http.StatusMisdirectedRequest)
		case r.URL.Path == "/readyz":
			w.WriteHeader(readiness)
			_, _ = w.Write([]byte(`{"ready":false,"upstream":"REASON"}` + "\n"))
		case r.URL.Path == "/livez":
			w.WriteHeader(http.StatusOK)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestHealthReportsReadiness(t *testing.T) {
	t.Parallel()
	code, stdout, _ := runCommand("health", "--set", "listen.admin="+adminListener(t, http.StatusOK))
	require.Equal(t, exitOK, code)
	require.Empty(t, stdout)

	code, _, stderr := runCommand("health", "--set", "listen.admin="+adminListener(t, http.StatusServiceUnavailable))
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "/readyz of the admin listener: 503 Service Unavailable: "+`{"ready":false,"upstream":"REASON"}`+"\n")
}

// A gateway that is not ready, for example because Temporal is away, must not be restarted.
func TestHealthReportsLiveness(t *testing.T) {
	t.Parallel()
	code, _, stderr := runCommand("health", "--live", "--set", "listen.admin="+adminListener(t, http.StatusServiceUnavailable))
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr, "problems of the configuration do not matter")
}

func TestHealthFailsWithoutGateway(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not block
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	code, _, stderr := runCommand("health", "--live", "--set", "listen.admin="+listener.Addr().String())
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "connection refused")
	code, _, stderr = runCommand("health", "--nonsense")
	require.Equal(t, exitFailure, code, "container runtimes reserve code 2")
	require.Contains(t, stderr, "nonsense")
}

// In a container, the admin listener listens on all interfaces.
func TestHealthConnectsToAddressOfAllInterfaces(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(adminListener(t, http.StatusOK))
	require.NoError(t, err)
	for _, address := range []string{":" + port, "0.0.0.0:" + port, "[::]:" + port} {
		code, _, stderr := runCommand("health", "--set", "listen.admin="+address)
		require.Equal(t, exitOK, code, stderr)
	}
}

// The address is read from the same file as the gateway's. An error elsewhere in the file does not matter.
func TestHealthReadsAddressFromInvalidConfiguration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := "listen: {admin: \"" + adminListener(t, http.StatusOK) + "\"}\nauth: {apiKeys: {file: absent.yaml}}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	code, _, stderr := runCommand("health", "--config", file)
	require.Equal(t, exitOK, code, stderr)
}
