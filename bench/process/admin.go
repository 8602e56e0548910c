package process

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Mallocs returns the number of heap allocations of the process so far.
func (p *Process) Mallocs(ctx context.Context) (float64, error) {
	text, err := get(ctx, "http://"+p.AdminAddress+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "go_memstats_mallocs_total "); found {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, errors.New("the metrics have no go_memstats_mallocs_total")
}

// Profile returns a CPU profile of the process over the given number of seconds.
func (p *Process) Profile(ctx context.Context, seconds int) ([]byte, error) {
	return get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.AdminAddress, seconds))
}
