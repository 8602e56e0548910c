package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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

	// Duration is that of the whole run. A tenth of it measures the good caller alone.
	Duration time.Duration
	// GoodRate is the good caller's, in requests a second.
	GoodRate int
	// Flood is how many connections the abusive caller floods on.
	Flood int
	// Out is told how it goes.
	Out io.Writer
}

// settle is how long the gateway gets to end what the traffic has left: a slow body holds its connection for 30 s.
const settle = time.Minute

// run is one run of [Run].
type run struct {
	Options
	client *http.Client

	mu         sync.Mutex
	violations map[string]int
	answers    map[string]map[int]int // statuses by kind of traffic
}

// Run soaks the gateway. Its error says which promises were broken; the report stands either way.
func Run(ctx context.Context, options Options) (*Report, error) {
	r := &run{
		Options:    options,
		client:     &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: options.GoodRate, DisableCompression: true}},
		violations: map[string]int{}, answers: map[string]map[int]int{},
	}
	defer r.client.CloseIdleConnections()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	report := &Report{answers: r.answers}
	alone := options.Duration / 10
	r.say("the good caller alone, for %s", alone)
	r.good(ctx, alone/4) // warms caches up, and is not measured
	report.Alone = r.good(ctx, alone-alone/4)
	before, err := r.sample(ctx)
	if err != nil {
		return nil, err
	}
	report.Before = before

	loaded := options.Duration - alone
	r.say("everybody, for %s", loaded)
	report.Loaded, report.Samples = r.everybody(ctx, loaded)

	r.say("quiet")
	report.After, err = r.quiet(ctx, before)
	report.violations = r.violations
	return report, errors.Join(err, report.judge())
}

// everybody runs the good caller beside all hostile ones.
func (r *run) everybody(ctx context.Context, length time.Duration) (latencies Latencies, samples []Sample) {
	ctx, stop := context.WithTimeout(ctx, length+time.Minute)
	defer stop()
	hostile, end := context.WithCancel(ctx)
	var others sync.WaitGroup
	for _, attack := range r.attacks() {
		for range attack.connections {
			others.Go(func() { r.repeat(hostile, attack) })
		}
	}
	others.Go(func() { samples = r.watch(hostile) })
	latencies = r.good(ctx, length)
	end()
	others.Wait()
	return latencies, samples
}

// quiet waits until the gateway is as it was before.
func (r *run) quiet(ctx context.Context, before Sample) (Sample, error) {
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

// saw notes an answer. A failure of the gateway must be a problem of its table, and never its own.
func (r *run) saw(kind string, status int, contentType, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers[kind] == nil {
		r.answers[kind] = map[int]int{}
	}
	r.answers[kind][status]++
	if status < http.StatusInternalServerError || status == http.StatusNotImplemented && contentType != problemType {
		return // the second is net/http's own, for an unknown transfer coding
	}
	if contentType != problemType || strings.Contains(body, `"code":"internal"`) {
		r.violations[fmt.Sprintf("%s: %d %s", kind, status, firstLine(body))]++
	}
}

// violated notes a broken promise.
func (r *run) violated(format string, arguments ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations[fmt.Sprintf(format, arguments...)]++
}

func (r *run) say(format string, arguments ...any) {
	_, _ = fmt.Fprintf(r.Out, format+"\n", arguments...)
}

const problemType = "application/problem+json"

func firstLine(text string) string {
	const most = 120
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), most)]
}

// Limits are the settings of a gateway that is soaked, as variables of its environment: the places that two cores fill,
// of which one caller has a part.
func Limits() []string {
	return []string{
		"FLOWGATE_LIMITS_IN_FLIGHT_READS=32", "FLOWGATE_LIMITS_IN_FLIGHT_WAITS=200", "FLOWGATE_LIMITS_IN_FLIGHT_CALLER_SHARE=0.25",
		"FLOWGATE_LISTEN_DRAIN_DELAY=0s",
	}
}
