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

// lab contains the state of a run.
type lab struct {
	Options
	upstream *process.Process
	key      string
	results  *report.Results
	missing  []error
	logs     int
}

// target is a running target.
type target struct {
	name    report.Target
	dialect calls.Dialect
	*process.Process
	pool *load.Pool
}

// stop stops the target.
func (t *target) stop() {
	if t.pool != nil {
		t.pool.Close()
	}
	t.Kill()
}

// newLab returns a lab with a running upstream.
func newLab(ctx context.Context, options Options) (*lab, error) {
	l := &lab{Options: options}
	var err error
	if l.key, err = configure(l.Dir); err != nil {
		return nil, err
	}
	l.upstream, err = l.Peer(ctx, RoleUpstream, "", l.newLog(RoleUpstream))
	return l, err
}

// start starts a target and opens connections to it.
func (l *lab) start(ctx context.Context, name report.Target) (*target, error) {
	kinds := map[report.Target]struct {
		role    string // empty for the gateway
		dialect calls.Dialect
	}{
		report.Floor:         {RoleFloor, calls.Floor()},
		report.Plain:         {RolePlain, calls.Protobuf()},
		report.PlainTemporal: {RolePlainTemporal, calls.Temporal()},
		report.Door:          {"", calls.Temporal()},
		report.V1:            {"", calls.V1()},
	}
	kind := kinds[name]
	t := &target{name: name, dialect: kind.dialect}
	var err error
	if kind.role == "" {
		t.Process, err = l.startGateway(ctx, l.newLog("gateway"))
	} else {
		t.Process, err = l.Peer(ctx, kind.role, l.upstream.Public, l.newLog(kind.role))
	}
	if err != nil {
		return nil, err
	}
	if t.pool, err = load.Open(ctx, t.Public, l.Connections); err != nil {
		t.stop()
		return nil, err
	}
	return t, nil
}

// newLog returns a unique name for the log of a process.
func (l *lab) newLog(process string) string {
	l.logs++
	return filepath.Join(l.Dir, fmt.Sprintf("%s-%d.log", process, l.logs))
}

func (l *lab) progressf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(l.Progress, format+"\n", arguments...) // progress output is best effort
}
