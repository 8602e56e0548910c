package deploytest

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stack has the addresses and API keys of the stack that runs the tests: a Temporal server, the sample worker and a
// gateway.
type Stack struct {
	// Temporal is the host and port of the Temporal server, GatewayURL and AdminURL the URLs of a gateway's listeners.
	Temporal, GatewayURL, AdminURL string
	// WriterKey has the role write on Namespace.
	WriterKey string
	// Namespace and TaskQueue are those of the sample worker.
	Namespace, TaskQueue string
}

// temporalVariable contains the address of the Temporal server. It is also the gateway's setting upstream.address.
const temporalVariable = "FLOWGATE_UPSTREAM_ADDRESS"

// Environment returns the stack of the test run. The test fails if it runs without a stack.
func Environment(t testing.TB) Stack {
	t.Helper()
	return Stack{
		Temporal:   variable(t, temporalVariable),
		GatewayURL: variable(t, "FLOWGATE_URL"),
		AdminURL:   variable(t, "FLOWGATE_ADMIN_URL"),
		WriterKey:  variable(t, "FLOWGATE_KEY"),
		Namespace:  variable(t, "FLOWGATE_NAMESPACE"),
		TaskQueue:  variable(t, "FLOWGATE_TASK_QUEUE"),
	}
}

func variable(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	require.NotEmpty(t, value, "%s is not set: run the tests by make test-deploy", name)
	return value
}

// Repository returns the root of the repository.
func Repository(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	require.True(t, ok)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// GatewayBinary returns the path of the gateway that make build has built.
func GatewayBinary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(Repository(t), "bin", "gateway")
	require.FileExists(t, path, "run make build")
	return path
}

// FreePort returns a port that no program listens on at 127.0.0.1. Use it only for programs that cannot choose a port
// themselves, because another program may take the port first.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	require.NoError(t, err)
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok)
	require.NoError(t, listener.Close())
	return address.Port
}

// SettingDefault returns the default of a setting of the gateway, from the table in the README, which is generated.
func SettingDefault(t testing.TB, setting string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Repository(t), "README.md"))
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(setting) + "` \\| `[A-Z_]+` \\| `([^`]+)` \\|").FindSubmatch(text)
	require.NotNil(t, row, "the README has no default of %s", setting)
	return string(row[1])
}
