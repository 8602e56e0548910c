package temporal

import (
	"fmt"
	"net"
	"strconv"

	"go.temporal.io/server/common/testing/freeport"
)

// loopbackIP is the only address that the server binds to, because it trusts every client.
const loopbackIP = "127.0.0.1"

type ports struct {
	frontend         int
	frontendHTTP     int
	internalFrontend int
	history          int
	matching         int
	worker           int
}

// assignPorts uses the requested ports and selects free ones for the rest. It returns an error if a port is taken,
// because the server itself would terminate the process.
func assignPorts(options Options) (ports, error) {
	for _, port := range []int{options.FrontendPort, options.HTTPPort} {
		if err := checkAvailable(port); err != nil {
			return ports{}, err
		}
	}
	return ports{
		frontend:         portOrFree(options.FrontendPort),
		frontendHTTP:     portOrFree(options.HTTPPort),
		internalFrontend: freeport.MustGetFreePort(),
		history:          freeport.MustGetFreePort(),
		matching:         freeport.MustGetFreePort(),
		worker:           freeport.MustGetFreePort(),
	}, nil
}

func checkAvailable(port int) error {
	listener, err := net.Listen("tcp", loopback(port)) //nolint:noctx // does not block
	if err != nil {
		return fmt.Errorf("port %d for the Temporal server is not available: %w", port, err)
	}
	if err := listener.Close(); err != nil {
		return fmt.Errorf("release port %d: %w", port, err)
	}
	return nil
}

func portOrFree(port int) int {
	if port != 0 {
		return port
	}
	return freeport.MustGetFreePort()
}

func loopback(port int) string {
	return net.JoinHostPort(loopbackIP, strconv.Itoa(port))
}
