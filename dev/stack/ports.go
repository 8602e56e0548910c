package stack

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// Ports are the ports of the stack that make run starts: those of Temporal's frontend and of the gateway's two
// listeners.
type Ports struct {
	Temporal, Gateway, Admin int
}

// namedPort is a port with the environment variable that changes it.
type namedPort struct {
	variable string
	port     *int
}

func namedPorts(ports *Ports) []namedPort {
	return []namedPort{{"TEMPORAL_PORT", &ports.Temporal}, {"GATEWAY_PORT", &ports.Gateway}, {"ADMIN_PORT", &ports.Admin}}
}

// PortsFromEnv returns the ports in the variables TEMPORAL_PORT, GATEWAY_PORT and ADMIN_PORT. An unset variable means
// the default port.
func PortsFromEnv(getenv func(string) string) (Ports, error) {
	ports := Ports{Temporal: 7233, Gateway: 8080, Admin: 8081}
	var problems []error
	for _, named := range namedPorts(&ports) {
		text := getenv(named.variable)
		if text == "" {
			continue
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			problems = append(problems, fmt.Errorf("%s=%s is not a port from 1 to 65535", named.variable, text))
		}
		*named.port = int(port)
	}
	return ports, errors.Join(problems...)
}

// Check returns an error that lists the ports that are not available, with the variables that change them.
func (p Ports) Check() error {
	var problems []error
	variables := map[int]string{}
	for _, named := range namedPorts(&p) {
		port := *named.port
		if other, taken := variables[port]; taken {
			problems = append(problems, fmt.Errorf("%s and %s are both %d: they must differ", other, named.variable, port))
			continue
		}
		variables[port] = named.variable
		listener, err := net.Listen("tcp", loopback(port)) //nolint:noctx // does not block
		if err != nil {
			problems = append(problems, fmt.Errorf("port %d is not available; choose another with %s: %w", port, named.variable, err))
			continue
		}
		_ = listener.Close()
	}
	return errors.Join(problems...)
}
