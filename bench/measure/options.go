package measure

import (
	"context"
	"io"
	"time"

	"github.com/flowgate/flowgate/bench/process"
)

// Options configure a run.
type Options struct {
	// Gateway is the path of the gateway's binary.
	Gateway string
	// Peer starts a process with one of the roles below. The process logs to the named file.
	Peer func(ctx context.Context, role, upstream, log string) (*process.Process, error)
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
	// Profiles is the directory for a CPU profile of each call, each with the duration ProfileTime. Empty means no
	// profiles.
	Profiles    string
	ProfileTime time.Duration
	// Progress receives progress messages.
	Progress io.Writer
}

// The roles of the processes that [Options.Peer] starts.
const (
	RoleUpstream      = "upstream"
	RoleFloor         = "floor"
	RolePlain         = "plain"
	RolePlainTemporal = "plain-temporal"
)
