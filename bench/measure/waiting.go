package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/load"
	"github.com/flowgate/flowgate/bench/report"
)

// waiting measures the memory of a waiting caller. Each target is a new process, because one that has served load
// before has free memory. The JSON format of a grpc-gateway makes no difference, so one of them is enough. A door that
// does not serve histories has no waiting callers either.
func (l *lab) waiting(ctx context.Context) error {
	for _, name := range []report.Target{report.Floor, report.Plain, report.Door, report.V1} {
		if name == report.Door && l.results.Cell(name, calls.History) == nil {
			continue
		}
		l.progressf("%d waiting callers: %s", l.Callers, name)
		bytes, err := l.waitAt(ctx, name)
		if err != nil {
			return fmt.Errorf("waiting callers: %s: %w", name, err)
		}
		l.results.Waiting[name] = bytes
	}
	return nil
}

func (l *lab) waitAt(ctx context.Context, name report.Target) (float64, error) {
	t, err := l.start(ctx, name)
	if err != nil {
		return 0, err
	}
	defer t.stop()
	const warmUp = 300 * time.Millisecond
	if _, _, err := t.pool.Saturate(ctx, t.dialect.Request(calls.Describe, l.key), warmUp); err != nil {
		return 0, err
	}
	before, err := t.idleMemory(ctx)
	if err != nil {
		return 0, err
	}
	waiters, err := load.Hold(ctx, t.Public, t.dialect.Request(calls.Wait, l.key), l.Callers)
	if err != nil {
		return 0, err
	}
	defer waiters.Close()
	after, err := t.idleMemory(ctx)
	if err != nil {
		return 0, err
	}
	return float64(after-before) / float64(l.Callers), waiters.CheckWaiting()
}

func (t *target) idleMemory(ctx context.Context) (int64, error) {
	if err := t.AwaitIdle(ctx); err != nil {
		return 0, err
	}
	return t.RSS()
}
