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

// session contains the state of a run.
type session struct {
	Options
	upstream *process.Process
	key      string
	results  *report.Results
	// unserved contains an error for each call that a gateway does not serve.
	unserved []error
	// logCount is the number of log files so far.
	logCount int
}

// target is the running process of a target.
type target struct {
	name    report.Target
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
	if s.key, err = configure(s.Dir); err != nil {
		return nil, err
	}
	s.upstream, err = s.Peer(ctx, RoleUpstream, "", s.newLog(RoleUpstream))
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
		t.Process, err = s.startGateway(ctx, s.newLog("gateway"))
	} else {
		t.Process, err = s.Peer(ctx, kind.role, s.upstream.Public, s.newLog(kind.role))
	}
	if err != nil {
		return nil, err
	}
	if t.pool, err = load.Open(ctx, t.Public, s.Connections); err != nil {
		t.stop()
		return nil, err
	}
	return t, nil
}

// newLog returns a unique name for the log of a process.
func (s *session) newLog(process string) string {
	s.logCount++
	return filepath.Join(s.Dir, fmt.Sprintf("%s-%d.log", process, s.logCount))
}

func (s *session) progressf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(s.Progress, format+"\n", arguments...) // progress output is best effort
}
