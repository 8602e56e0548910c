package soak

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Options say what is soaked, and how.
type Options struct {
	// URL and AdminURL are the gateway's listeners.
	URL, AdminURL string
	// GoodKey is the caller's that behaves, AbusiveKey another's that does not. Both may read, and the first may write.
	GoodKey, AbusiveKey string
	TaskQueue           string

	// Duration is that of the whole run. A tenth of it measures the good caller alone, half of that before and half after
	// the others: Temporal has more to search then.
	Duration time.Duration
	// GoodRate is the good caller's, in requests a second.
	GoodRate int
	// Flood is how many connections the abusive caller floods on.
	Flood int
	// Attack is the hostile traffic; nil means [Attack] in this process. Attackers have machines of their own, so that
	// who measures does better to run it where it takes no time from those that are measured.
	Attack func(context.Context, Options) (*Tally, error) `json:"-"`
	// Out is told how it goes.
	Out io.Writer `json:"-"`
}

// settle is how long the gateway gets to end what the traffic has left: a slow body holds its connection for 30 s.
const settle = time.Minute

// run is one run of [Run].
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

// Run soaks the gateway. Its error says which promises were broken; the report stands either way.
func Run(ctx context.Context, options Options) (*Report, error) {
	r := newRun(options)
	defer r.client.CloseIdleConnections()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	alone := options.Duration / 10
	r.sayf("the good caller alone, for %s", alone/2)
	r.goodTraffic(ctx, alone/8) // warms caches up, and is not measured
	report := &Report{tally: r.Tally, Alone: r.goodTraffic(ctx, alone/2-alone/8)}
	var err error
	if report.Before, err = r.sample(ctx); err != nil {
		return nil, err
	}
	loaded := options.Duration - alone
	r.sayf("everybody, for %s", loaded)
	if report.Loaded, report.Samples, err = r.measureUnderLoad(ctx, loaded); err != nil {
		return report, err
	}
	r.sayf("quiet")
	if report.After, err = r.awaitIdle(ctx, report.Before); err != nil {
		return report, err
	}
	r.sayf("the good caller alone again, for %s", alone/2)
	report.Alone.add(r.goodTraffic(ctx, alone/2))
	report.Alone.addTotal()
	report.Loaded.addTotal()
	return report, report.check()
}

// measureUnderLoad runs the good caller beside all hostile ones.
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

// Attack is the hostile traffic, until ctx ends.
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

// awaitIdle waits until the gateway is as it was before.
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
			return now, fmt.Errorf("a minute after the end %d requests are in flight and %d goroutines run, %d before",
				now.InFlight, now.Goroutines, before.Goroutines)
		case <-ticker.C:
		}
	}
}

func (r *run) sayf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(r.Out, format+"\n", arguments...)
}
