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
	// GoodKey is the key of the regular caller, AbusiveKey that of a hostile one. Both may read, and the first may
	// write.
	GoodKey, AbusiveKey string
	TaskQueue           string

	// Duration is the duration of the whole run. A tenth of it measures the regular caller alone, half before and half
	// after the hostile traffic, when Temporal has more data to search.
	Duration time.Duration
	// GoodRate is the rate of the regular caller, in requests per second.
	GoodRate int
	// Flood is the number of the hostile caller's flooding connections.
	Flood int
	// Attack generates the hostile traffic; nil means [Attack] in this process. A separate process of low priority is
	// more realistic, because it takes less CPU time from the measured processes.
	Attack func(context.Context, Options) (*Tally, error) `json:"-"`
	// Out receives progress messages.
	Out io.Writer `json:"-"`
}

// settle is the time for the gateway to become idle after the traffic. A slow body holds its connection for 30 s.
const settle = time.Minute

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
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: max(options.GoodRate, 1), DisableCompression: true}},
	}
}

// Run tests the gateway. Its error lists the failed checks. The report is valid even with an error.
func Run(ctx context.Context, options Options) (*Report, error) {
	r := newRun(options)
	defer r.client.CloseIdleConnections()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	alone := options.Duration / 10
	r.sayf("regular caller alone, for %s", alone/2)
	r.goodTraffic(ctx, alone/8) // warm-up, not measured
	report := &Report{tally: r.Tally, Alone: r.goodTraffic(ctx, alone/2-alone/8)}
	var err error
	if report.Before, err = r.sample(ctx); err != nil {
		return nil, err
	}
	loaded := options.Duration - alone
	r.sayf("all traffic, for %s", loaded)
	if report.Loaded, report.Samples, err = r.measureUnderLoad(ctx, loaded); err != nil {
		return report, err
	}
	r.sayf("quiet")
	if report.After, err = r.awaitIdle(ctx, report.Before); err != nil {
		return report, err
	}
	r.sayf("regular caller alone again, for %s", alone/2)
	report.Alone.add(r.goodTraffic(ctx, alone/2))
	report.Alone.addTotal()
	report.Loaded.addTotal()
	return report, report.check()
}

// measureUnderLoad runs the regular caller together with the hostile traffic.
func (r *run) measureUnderLoad(ctx context.Context, length time.Duration) (latencies Latencies, samples []Sample, err error) {
	hostile, end := context.WithTimeout(ctx, length+time.Minute)
	defer end()
	var others sync.WaitGroup
	others.Go(func() {
		var theirs *Tally
		if theirs, err = r.Attack(hostile, r.Options); err == nil {
			r.merge(theirs)
		}
	})
	others.Go(func() { samples = r.watch(hostile) })
	latencies = r.goodTraffic(ctx, length)
	end()
	others.Wait()
	return latencies, samples, err
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

// awaitIdle waits until the gateway is as idle as before.
func (r *run) awaitIdle(ctx context.Context, before Sample) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, settle)
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
			return now, fmt.Errorf("one minute after the end %d requests are in flight and %d goroutines are running; before: %d",
				now.InFlight, now.Goroutines, before.Goroutines)
		case <-ticker.C:
		}
	}
}

func (r *run) sayf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(r.Out, format+"\n", arguments...)
}
