package soak

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Options configure a run.
type Options struct {
	// URL and AdminURL are the addresses of the gateway's listeners.
	URL, AdminURL string
	// RegularKey is the API key of the regular caller, with the role write. HostileKey is that of a hostile caller, with the
	// role read.
	RegularKey, HostileKey string
	// TaskQueue is the task queue of the sample worker.
	TaskQueue string

	// Duration is the duration of the run. For one tenth of it, only the regular caller sends requests: half of that time
	// is before the hostile traffic, and half after it, when Temporal has more data to search.
	Duration time.Duration
	// RegularRate is the rate of the regular caller, in requests per second.
	RegularRate int
	// Flood is the number of connections on which the hostile caller sends requests without a pause.
	Flood int
	// Control describes a workflow without the gateway, for comparison; nil means no comparison.
	Control func(ctx context.Context, workflowID string) error `json:"-"`
	// Attack generates the hostile traffic; nil means [Attack] in this process. A separate process of low priority is
	// more realistic, because it takes less CPU time from the measured processes.
	Attack func(context.Context, Options) (*Tally, error) `json:"-"`
	// Out receives progress messages.
	Out io.Writer `json:"-"`
}

// idleTimeout is the maximum time for the gateway to become idle after the traffic. A slow body can hold a connection
// for 30 s.
const idleTimeout = time.Minute

// run contains the state of [Run].
type run struct {
	Options
	*Tally

	client *http.Client
}

func newRun(options Options) *run {
	if options.Attack == nil {
		options.Attack = Attack
	}
	return &run{
		Options: options, Tally: NewTally(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: max(options.RegularRate, 1), DisableCompression: true}},
	}
}

// Run tests the gateway. Its error lists the failed checks. Unless the report is nil, it is valid even with an error.
func Run(ctx context.Context, options Options) (*Report, error) {
	r := newRun(options)
	defer r.client.CloseIdleConnections()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	alone := options.Duration / 10
	r.progressf("regular caller alone, for %s", alone/2)
	r.regularTraffic(ctx, alone/8) // warm-up, not measured
	report := &Report{tally: r.Tally}
	report.Alone, report.ControlAlone = r.measure(ctx, alone/2-alone/8)
	var err error
	if report.Before, err = r.sample(ctx); err != nil {
		return nil, err
	}
	loaded := options.Duration - alone
	r.progressf("regular and hostile traffic, for %s", loaded)
	if err = r.measureUnderLoad(ctx, loaded, report); err != nil {
		return report, err
	}
	r.progressf("no traffic, until the gateway is idle")
	if report.After, err = r.awaitIdle(ctx, report.Before); err != nil {
		return report, err
	}
	r.progressf("regular caller alone again, for %s", alone/2)
	latencies, control := r.measure(ctx, alone/2)
	report.Alone.add(latencies)
	report.ControlAlone = append(report.ControlAlone, control...)
	report.Alone.addTotal()
	report.Loaded.addTotal()
	return report, report.check()
}

// measureUnderLoad sends the regular and the hostile traffic at the same time.
func (r *run) measureUnderLoad(ctx context.Context, duration time.Duration, report *Report) (err error) {
	attackCtx, stopAttack := context.WithTimeout(ctx, duration+time.Minute)
	defer stopAttack()
	var background sync.WaitGroup
	background.Go(func() {
		var tally *Tally
		if tally, err = r.Attack(attackCtx, r.Options); err == nil {
			r.merge(tally)
		}
	})
	background.Go(func() { report.Samples = r.watch(attackCtx) })
	report.Loaded, report.ControlLoaded = r.measure(ctx, duration)
	stopAttack()
	background.Wait()
	return err
}

// Attack generates the hostile traffic until ctx is done.
func Attack(ctx context.Context, options Options) (*Tally, error) {
	r := newRun(options)
	defer r.client.CloseIdleConnections()
	var attackers sync.WaitGroup
	for _, attack := range r.attacks() {
		for range attack.connections {
			attackers.Go(func() { r.repeat(ctx, attack) })
		}
	}
	attackers.Wait()
	return r.Tally, nil
}

// awaitIdle waits until no request is in flight and about as many goroutines run as before the hostile traffic.
func (r *run) awaitIdle(ctx context.Context, before Sample) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, idleTimeout)
	defer cancel()
	r.client.CloseIdleConnections()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		now, err := r.sample(ctx)
		if err != nil {
			return now, err
		}
		if now.InFlight == 0 && now.Goroutines <= before.Goroutines+goroutineSlack {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("the gateway is not idle after %s: %d requests in flight, %d goroutines, %d before the hostile traffic",
				idleTimeout, now.InFlight, now.Goroutines, before.Goroutines)
		case <-ticker.C:
		}
	}
}

func (r *run) progressf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(r.Out, format+"\n", arguments...)
}
