package deploytest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Gateway is a gateway process.
type Gateway struct {
	*Process
	// URL and AdminURL are the URLs of the listeners, without a trailing slash. Address is the public listener's host and
	// port.
	URL, AdminURL, Address string
}

// StartGateway starts the gateway that make build has built and waits until it is ready. The configuration is a file;
// an empty name means the configuration of make run. Environment variables as "NAME=value" override it. The stack's
// Temporal server and the ports are set by default: 0 means free ports.
func StartGateway(t testing.TB, config string, port, adminPort int, env ...string) *Gateway {
	t.Helper()
	if config == "" {
		config = filepath.Join(Repository(t), "dev", "stack", "gateway.yaml")
	}
	address, admin := loopback(t, port), loopback(t, adminPort)
	command := exec.Command(GatewayBinary(t), "serve", "--config", config) //nolint:gosec,noctx // ends with the test
	command.Env = append(gatewayEnvironment(), "FLOWGATE_LISTEN_PUBLIC="+address, "FLOWGATE_LISTEN_ADMIN="+admin)
	command.Env = append(command.Env, env...)
	gateway := &Gateway{
		Process: Start(t, command),
		URL:     "http://" + address, AdminURL: "http://" + admin, Address: address,
	}
	gateway.AwaitOK(t, gateway.AdminURL+"/readyz")
	return gateway
}

// gatewayEnvironment returns the environment for a gateway. Of the variables that start with FLOWGATE_, only the address
// of Temporal is a setting of the gateway. The others are for clients, and the gateway rejects unknown ones.
func gatewayEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "FLOWGATE_") && !strings.HasPrefix(variable, temporalVariable+"=")
	})
}

func loopback(t testing.TB, port int) string {
	t.Helper()
	if port == 0 {
		port = FreePort(t)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
