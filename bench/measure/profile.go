package measure

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/report"
)

// writeProfiles writes a CPU profile of each call at the floor and at the gateway. It runs after the measurements,
// because profiling costs CPU time.
func (s *session) writeProfiles(ctx context.Context, targets []*target) error {
	if s.Profiles == "" {
		return nil
	}
	if err := os.MkdirAll(s.Profiles, 0o750); err != nil {
		return err
	}
	names := map[report.Target]string{report.Floor: "floor", report.TemporalAPI: "temporal", report.V1: "v1"}
	return s.forEachCall(targets, 0, func(t *target, call calls.Call) error {
		name, profiled := names[t.name]
		if !profiled {
			return nil
		}
		firstWord, _, _ := strings.Cut(string(call), " ")
		file := filepath.Join(s.Profiles, fmt.Sprintf("%s-%s.pprof", name, firstWord))
		s.progressf("profile %s", file)
		profile, err := s.profile(ctx, t, call)
		if err != nil {
			return err
		}
		return os.WriteFile(file, profile, 0o600)
	})
}

// profile records a CPU profile of the target under load.
func (s *session) profile(ctx context.Context, t *target, call calls.Call) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		profile []byte
		err     error
	}
	done := make(chan result, 1)
	go func() {
		profile, err := t.Profile(ctx, int(math.Ceil(s.ProfileTime.Seconds())))
		done <- result{profile, err}
	}()
	for {
		if _, _, err := t.pool.Saturate(ctx, t.dialect.Request(call, s.apiKey), 100*time.Millisecond); err != nil {
			return nil, err
		}
		select {
		case r := <-done:
			return r.profile, r.err
		default:
		}
	}
}
