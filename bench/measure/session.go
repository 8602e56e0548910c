package measure

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/load"
	"github.com/flowgate/flowgate/bench/process"
	"github.com/flowgate/flowgate/bench/report"
)

// session is the state of one call of [Run].
type session struct {
	Options
	upstream *process.Process
	apiKey   string
	results  *report.Results
	// checkErrors contains an error of checkCalls for each call that an API of the gateway does not serve.
	checkErrors []error
	// logCount is the number of calls of newLogPath.
	logCount int
}

// target is a running process that receives requests, with the connections to it.
type target struct {
	name report.Target
	// dialect is the HTTP API of the target: the paths and bodies of its requests.
	dialect calls.Dialect
	*process.Process
	pool *load.Pool
}

func (t *target) stop() {
	if t.pool != nil {
		t.pool.Close()
	}
	t.Kill()
}

// newSession returns a session with a running upstream.
func newSession(ctx context.Context, options Options) (*session, error) {
	s := &session{Options: options}
	var err error
	if s.apiKey, err = configure(s.Dir); err != nil {
		return nil, err
	}
	s.upstream, err = s.StartProcess(ctx, RoleUpstream, "", s.newLogPath(RoleUpstream))
	return s, err
}

// start starts a target and opens connections to it.
func (s *session) start(ctx context.Context, name report.Target) (*target, error) {
	kinds := map[report.Target]struct {
		role    string // empty for the gateway
		dialect calls.Dialect
	}{
		report.Floor:         {RoleFloor, calls.Floor()},
		report.Plain:         {RolePlain, calls.Protobuf()},
		report.PlainTemporal: {RolePlainTemporal, calls.Temporal()},
		report.TemporalAPI:   {"", calls.Temporal()},
		report.V1:            {"", calls.V1()},
	}
	kind := kinds[name]
	t := &target{name: name, dialect: kind.dialect}
	var err error
	if kind.role == "" {
		t.Process, err = s.startGateway(ctx, s.newLogPath("gateway"))
	} else {
		t.Process, err = s.StartProcess(ctx, kind.role, s.upstream.PublicAddress, s.newLogPath(kind.role))
	}
	if err != nil {
		return nil, err
	}
	if t.pool, err = load.Open(ctx, t.PublicAddress, s.Connections); err != nil {
		t.stop()
		return nil, err
	}
	return t, nil
}

// newLogPath returns the path of a new file for the log of a process.
func (s *session) newLogPath(process string) string {
	s.logCount++
	return filepath.Join(s.Dir, fmt.Sprintf("%s-%d.log", process, s.logCount))
}

func (s *session) progressf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(s.Progress, format+"\n", arguments...) // progress output is best effort
}
