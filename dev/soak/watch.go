package soak

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Sample contains metrics of the gateway at one time.
type Sample struct {
	Goroutines int64
	// Heap is the heap in use and Resident the resident memory, in bytes.
	Heap, Resident int64
	// InFlight is the number of requests in flight.
	InFlight int64
}

const (
	sampleInterval = 2 * time.Second
	pageTimeout    = 10 * time.Second
)

// watch samples the gateway and checks its probes until ctx is done.
func (r *run) watch(ctx context.Context) (samples []Sample) {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-ticker.C:
		}
		sample, err := r.sample(ctx)
		if ctx.Err() != nil {
			return samples
		}
		if err != nil {
			r.addViolationf("read the metrics: %v", err)
			continue
		}
		samples = append(samples, sample)
		for _, probe := range []string{r.URL + "/livez", r.URL + "/readyz", r.AdminURL + "/readyz"} {
			if err := r.probe(ctx, probe); err != nil && ctx.Err() == nil {
				r.addViolationf("probe: %v", err)
			}
		}
	}
}

// probe returns an error unless url responds with 200.
func (r *run) probe(ctx context.Context, url string) error {
	text, status, err := r.get(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, firstLine(text))
	}
	return err
}

func (r *run) get(ctx context.Context, url string) (text string, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", 0, err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), response.StatusCode, err
}

// sample reads a sample from the gateway's metrics.
func (r *run) sample(ctx context.Context) (Sample, error) {
	text, _, err := r.get(ctx, r.AdminURL+"/metrics")
	if err != nil {
		return Sample{}, err
	}
	values := map[string]int64{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		if number, err := strconv.ParseFloat(value, 64); err == nil && !strings.HasPrefix(name, "#") {
			values[name] += int64(number)
		}
	}
	return Sample{
		Goroutines: values["go_goroutines"], Heap: values["go_memstats_heap_inuse_bytes"],
		Resident: values["process_resident_memory_bytes"], InFlight: values["flowgate_in_flight"],
	}, lines.Err()
}
