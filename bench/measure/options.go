package measure

import (
	"context"
	"io"
	"time"

	"github.com/flowgate/flowgate/bench/process"
)

// Options configure [Run].
type Options struct {
	// Gateway is the path of the gateway's binary.
	Gateway string
	// StartProcess starts a process with one of the roles below: the upstream or a target other than the gateway. The
	// process calls the upstream at the given address, and logs to the named file.
	StartProcess func(ctx context.Context, role, upstream, log string) (*process.Process, error)
	// Dir is the directory for the configuration and the logs of the processes.
	Dir string
	// Connections is the number of connections to a target, each with one request in flight.
	Connections int
	// Rounds is the number of rounds. In each round, every target receives each call for the duration Window, or for
	// PaceWindow if the rate is fixed.
	Rounds             int
	Window, PaceWindow time.Duration
	// Callers is the number of concurrent waiting callers; 0 skips that measurement.
	Callers int
	// Profiles is the directory for CPU profiles, one for each call, of the duration ProfileTime. Empty means no profiles.
	Profiles    string
	ProfileTime time.Duration
	// Progress receives progress messages.
	Progress io.Writer
}

// The roles of the processes that [Options.StartProcess] starts. Both plain roles are a grpc-gateway without additional
// functions: RolePlain with its default JSON format, and RolePlainTemporal with that of Temporal's frontend.
const (
	RoleUpstream      = "upstream"
	RoleFloor         = "floor"
	RolePlain         = "plain"
	RolePlainTemporal = "plain-temporal"
)
