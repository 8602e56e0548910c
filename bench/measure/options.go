package measure

import (
	"context"
	"io"
	"time"

	"github.com/flowgate/flowgate/bench/process"
)

// Options say what a run does.
type Options struct {
	// Gateway is the gateway's binary.
	Gateway string
	// Peer runs one of the bench's own processes, which logs to a file of that name.
	Peer func(ctx context.Context, role, upstream, log string) (*process.Process, error)
	// Dir takes the configuration and the logs of the processes.
	Dir string
	// Connections are how many requests are in flight at a time.
	Connections int
	// Rounds is how often all targets take their turn; Window is how long each turn at a call is, PaceWindow the same at
	// the fixed rate.
	Rounds             int
	Window, PaceWindow time.Duration
	// Callers are how many wait at a time; 0 leaves that out.
	Callers int
	// Profiles is a folder for a CPU profile of each call at the gateway, each as long as ProfileTime; none when empty.
	Profiles    string
	ProfileTime time.Duration
	// Progress is told what is being done.
	Progress io.Writer
}

// The roles of the bench's own processes.
const (
	RoleUpstream      = "upstream"
	RoleFloor         = "floor"
	RolePlain         = "plain"
	RolePlainTemporal = "plain-temporal"
)
