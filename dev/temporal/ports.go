package temporal

import (
	"fmt"
	"net"
	"strconv"

	"go.temporal.io/server/common/testing/freeport"
)

// loopbackIP is the only address that anything here binds to: the server trusts all who can reach it.
const loopbackIP = "127.0.0.1"

// ports are the listeners of one server.
type ports struct {
	frontend         int
	frontendHTTP     int
	internalFrontend int
	history          int
	matching         int
	worker           int
}

// assignPorts keeps the ports that the caller asked for and finds free ones for the rest. A port that is taken is told
// here, because the server itself would end the process over it.
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
	listener, err := net.Listen("tcp", loopback(port)) //nolint:noctx // it can be had or it cannot
	if err != nil {
		return fmt.Errorf("the Temporal server cannot have port %d: %w", port, err)
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
