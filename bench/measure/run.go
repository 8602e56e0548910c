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
		Rates: map[calls.Call]float64{}, Cells: map[report.Target]map[calls.Call]*report.Cell{}, Waiting: map[report.Target]float64{},
	}
	if err := s.measureCalls(ctx); err != nil {
		return nil, err
	}
	if s.Callers > 0 {
		if err := s.measureWaiting(ctx); err != nil {
			return nil, err
		}
	}
	return s.results, errors.Join(s.unserved...)
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
		if err := s.forEachCell(targets, round, func(t *target, call calls.Call) error { return s.saturate(ctx, t, call) }); err != nil {
			return err
		}
	}
	s.chooseRates()
	for round := range 2 {
		s.progressf("fixed rate, round %d of 2", round+1)
		if err := s.forEachCell(targets, round, func(t *target, call calls.Call) error { return s.pace(ctx, t, call) }); err != nil {
			return err
		}
	}
	return s.writeProfiles(ctx, targets)
}

// checkCalls sends each call once and creates a cell for the results of each call that the target serves. The floor and
// the peers must serve all calls. If a gateway does not serve a call, the run continues without it and returns an error
// at the end.
func (s *session) checkCalls(t *target) error {
	cells := map[calls.Call]*report.Cell{}
	s.results.Cells[t.name] = cells
	for _, call := range calls.Measured() {
		response, err := t.pool.Do(t.dialect.Request(call, s.key))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.name, call, err)
		}
		if response.Status < 300 && bytes.Contains(response.Body, []byte(call.ExpectedText())) {
			cells[call] = &report.Cell{}
			continue
		}
		err = fmt.Errorf("%s: %s is not served: %d %.120q", t.name, call, response.Status, response.Body)
		if t.name != report.TemporalAPI && t.name != report.V1 {
			return err
		}
		s.unserved = append(s.unserved, err)
	}
	return nil
}

// forEachCell calls do for each call and each target that serves it. The order of the targets is reversed in every
// second round.
func (s *session) forEachCell(targets []*target, round int, do func(*target, calls.Call) error) error {
	order := slices.Clone(targets)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for _, call := range calls.Measured() {
		for _, t := range order {
			if s.results.Cell(t.name, call) == nil {
				continue
			}
			if err := do(t, call); err != nil {
				return fmt.Errorf("%s: %s: %w", t.name, call, err)
			}
		}
	}
	return nil
}
