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
	// Peer starts a process of the bench in a role. The process logs to the named file.
	Peer func(ctx context.Context, role, upstream, log string) (*process.Process, error)
	// Dir is the directory for the configuration and the logs of the processes.
	Dir string
	// Connections is the number of requests in flight.
	Connections int
	// Rounds is the number of rounds, in each of which every target has one turn. Window is the length of a turn per
	// call, PaceWindow the same at the fixed rate.
	Rounds             int
	Window, PaceWindow time.Duration
	// Callers is the number of concurrent waiting callers; 0 skips that measurement.
	Callers int
	// Profiles is the directory for a CPU profile of each call, each of length ProfileTime. Empty means no profiles.
	Profiles    string
	ProfileTime time.Duration
	// Progress receives progress messages.
	Progress io.Writer
}

// The roles of the bench's processes.
const (
	RoleUpstream      = "upstream"
	RoleFloor         = "floor"
	RolePlain         = "plain"
	RolePlainTemporal = "plain-temporal"
)
