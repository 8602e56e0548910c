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
	l, err := newLab(ctx, options)
	if err != nil {
		return nil, err
	}
	defer l.upstream.Kill()
	l.results = &report.Results{
		Date: time.Now(), Machine: report.ThisMachine(), Connections: l.Connections, Rounds: l.Rounds, Callers: l.Callers,
		Rates: map[calls.Call]float64{}, Cells: map[report.Target]map[calls.Call]*report.Cell{}, Waiting: map[report.Target]float64{},
	}
	if err := l.requests(ctx); err != nil {
		return nil, err
	}
	if l.Callers > 0 {
		if err := l.waiting(ctx); err != nil {
			return nil, err
		}
	}
	return l.results, errors.Join(l.missing...)
}

// requests measures the calls with an immediate response, at all targets in turn.
func (l *lab) requests(ctx context.Context) error {
	var targets []*target
	defer func() {
		for _, t := range targets {
			t.stop()
		}
	}()
	for _, name := range report.Targets() {
		t, err := l.start(ctx, name)
		if err != nil {
			return err
		}
		targets = append(targets, t)
		if err := l.probe(t); err != nil {
			return err
		}
	}
	for round := range l.Rounds {
		l.progressf("round %d of %d", round+1, l.Rounds)
		if err := l.forEachCell(targets, round, func(t *target, call calls.Call) error { return l.saturate(ctx, t, call) }); err != nil {
			return err
		}
	}
	l.chooseRates()
	for round := range 2 {
		l.progressf("fixed rate, round %d of 2", round+1)
		if err := l.forEachCell(targets, round, func(t *target, call calls.Call) error { return l.pace(ctx, t, call) }); err != nil {
			return err
		}
	}
	return l.profiles(ctx, targets)
}

// probe sends each call once and creates cells for those that are served. A peer must serve all calls. If a gateway
// does not serve one, the run continues without it and returns an error at the end.
func (l *lab) probe(t *target) error {
	cells := map[calls.Call]*report.Cell{}
	l.results.Cells[t.name] = cells
	for _, call := range calls.Measured() {
		response, err := t.pool.Do(t.dialect.Request(call, l.key))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.name, call, err)
		}
		if response.Status < 300 && bytes.Contains(response.Body, []byte(call.ExpectedText())) {
			cells[call] = &report.Cell{}
			continue
		}
		err = fmt.Errorf("%s: %s is not served: %d %.120q", t.name, call, response.Status, response.Body)
		if t.name != report.Door && t.name != report.V1 {
			return err
		}
		l.missing = append(l.missing, err)
	}
	return nil
}

// forEachCell calls do for each call and target. The order of the targets is reversed in every second round.
func (l *lab) forEachCell(targets []*target, round int, do func(*target, calls.Call) error) error {
	order := slices.Clone(targets)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for _, call := range calls.Measured() {
		for _, t := range order {
			if l.results.Cell(t.name, call) == nil {
				continue
			}
			if err := do(t, call); err != nil {
				return fmt.Errorf("%s: %s: %w", t.name, call, err)
			}
		}
	}
	return nil
}
