package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/load"
	"github.com/flowgate/flowgate/bench/report"
)

// measureWaiting measures the memory per waiting caller. It starts each target again, because a process that has served
// requests holds free memory, which waiting callers would reuse. It measures only one grpc-gateway, because the JSON
// format makes no difference. At the Temporal HTTP API, a wait is a request for the history, so it requires that call.
func (s *session) measureWaiting(ctx context.Context) error {
	for _, name := range []report.Target{report.Floor, report.Plain, report.TemporalAPI, report.V1} {
		if name == report.TemporalAPI && s.results.Measurement(name, calls.History) == nil {
			continue
		}
		s.progressf("%d waiting callers: %s", s.Callers, name)
		bytes, err := s.memoryPerCaller(ctx, name)
		if err != nil {
			return fmt.Errorf("waiting callers: %s: %w", name, err)
		}
		s.results.Waiting[name] = bytes
	}
	return nil
}

// memoryPerCaller returns the growth of the target's resident memory per waiting caller, in bytes.
func (s *session) memoryPerCaller(ctx context.Context, name report.Target) (float64, error) {
	t, err := s.start(ctx, name)
	if err != nil {
		return 0, err
	}
	defer t.stop()
	const warmUp = 300 * time.Millisecond
	if _, _, err := t.pool.Saturate(ctx, t.dialect.Request(calls.Describe, s.apiKey), warmUp); err != nil {
		return 0, err
	}
	before, err := t.idleMemory(ctx)
	if err != nil {
		return 0, err
	}
	waiters, err := load.StartWaiters(ctx, t.PublicAddress, t.dialect.Request(calls.Wait, s.apiKey), s.Callers)
	if err != nil {
		return 0, err
	}
	defer waiters.Close()
	after, err := t.idleMemory(ctx)
	if err != nil {
		return 0, err
	}
	return float64(after-before) / float64(s.Callers), waiters.CheckWaiting()
}

func (t *target) idleMemory(ctx context.Context) (int64, error) {
	if err := t.AwaitIdle(ctx); err != nil {
		return 0, err
	}
	return t.RSS()
}
