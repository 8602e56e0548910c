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

// profiles records a CPU profile of each call after the measurements.
func (l *lab) profiles(ctx context.Context, targets []*target) error {
	if l.Profiles == "" {
		return nil
	}
	if err := os.MkdirAll(l.Profiles, 0o750); err != nil {
		return err
	}
	names := map[report.Target]string{report.Floor: "floor", report.Door: "temporal", report.V1: "v1"}
	return l.forEachCell(targets, 0, func(t *target, call calls.Call) error {
		name, profiled := names[t.name]
		if !profiled {
			return nil
		}
		word, _, _ := strings.Cut(string(call), " ")
		file := filepath.Join(l.Profiles, fmt.Sprintf("%s-%s.pprof", name, word))
		l.progressf("profile %s", file)
		profile, err := l.profile(ctx, t, call)
		if err != nil {
			return err
		}
		return os.WriteFile(file, profile, 0o600)
	})
}

// profile records a CPU profile of the target under load.
func (l *lab) profile(ctx context.Context, t *target, call calls.Call) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type recorded struct {
		profile []byte
		err     error
	}
	done := make(chan recorded, 1)
	go func() {
		profile, err := t.Profile(ctx, int(math.Ceil(l.ProfileTime.Seconds())))
		done <- recorded{profile, err}
	}()
	for {
		if _, _, err := t.pool.Saturate(ctx, t.dialect.Request(call, l.key), 100*time.Millisecond); err != nil {
			return nil, err
		}
		select {
		case r := <-done:
			return r.profile, r.err
		default:
		}
	}
}
