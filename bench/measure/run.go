package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/report"
)

// Run performs all measurements. It may return both results and an error: if the gateway does not serve some calls, the
// results contain all others.
func Run(ctx context.Context, options Options) (*report.Results, error) {
	s, err := newSession(ctx, options)
	if err != nil {
		return nil, err
	}
	defer s.upstream.Kill()
	s.results = &report.Results{
		Date: time.Now(), Machine: report.ThisMachine(), Connections: s.Connections, Rounds: s.Rounds, Callers: s.Callers,
		Rates: map[calls.Call]float64{}, Measurements: map[report.Target]map[calls.Call]*report.Measurement{}, Waiting: map[report.Target]float64{},
	}
	if err := s.measureCalls(ctx); err != nil {
		return nil, err
	}
	if s.Callers > 0 {
		if err := s.measureWaiting(ctx); err != nil {
			return nil, err
		}
	}
	return s.results, errors.Join(s.checkErrors...)
}

// measureCalls measures all calls except Wait. The targets take turns.
func (s *session) measureCalls(ctx context.Context) error {
	var targets []*target
	defer func() {
		for _, t := range targets {
			t.stop()
		}
	}()
	for _, name := range report.Targets() {
		t, err := s.start(ctx, name)
		if err != nil {
			return err
		}
		targets = append(targets, t)
		if err := s.checkCalls(t); err != nil {
			return err
		}
	}
	for round := range s.Rounds {
		s.progressf("round %d of %d", round+1, s.Rounds)
		if err := s.forEachCall(targets, round, func(t *target, call calls.Call) error { return s.saturate(ctx, t, call) }); err != nil {
			return err
		}
	}
	s.chooseRates()
	for round := range 2 {
		s.progressf("fixed rate, round %d of 2", round+1)
		if err := s.forEachCall(targets, round, func(t *target, call calls.Call) error { return s.pace(ctx, t, call) }); err != nil {
			return err
		}
	}
	return s.writeProfiles(ctx, targets)
}

// checkCalls sends each call once, and adds an empty measurement to the results for each call that the target serves.
// The floor and the peers must serve all calls. If an API of the gateway does not serve a call, the run continues
// without the call and returns an error at the end.
func (s *session) checkCalls(t *target) error {
	measurements := map[calls.Call]*report.Measurement{}
	s.results.Measurements[t.name] = measurements
	for _, call := range calls.Measured() {
		response, err := t.pool.Do(t.dialect.Request(call, s.apiKey))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.name, call, err)
		}
		if response.Status < 300 && bytes.Contains(response.Body, []byte(call.ExpectedText())) {
			measurements[call] = &report.Measurement{}
			continue
		}
		err = fmt.Errorf("%s: %s is not served: %d %.120q", t.name, call, response.Status, response.Body)
		if t.name != report.TemporalAPI && t.name != report.V1 {
			return err
		}
		s.checkErrors = append(s.checkErrors, err)
	}
	return nil
}

// forEachCall calls do for each call and each target that serves it. It reverses the order of the targets in every
// second round, so that a change of the machine's speed affects all targets alike.
func (s *session) forEachCall(targets []*target, round int, do func(*target, calls.Call) error) error {
	order := slices.Clone(targets)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for _, call := range calls.Measured() {
		for _, t := range order {
			if s.results.Measurement(t.name, call) == nil {
				continue
			}
			if err := do(t, call); err != nil {
				return fmt.Errorf("%s: %s: %w", t.name, call, err)
			}
		}
	}
	return nil
}
