package process

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// RSS returns the resident memory of the process, in bytes.
func (p *Process) RSS() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("the status of process %d has no VmRSS", p.command.Process.Pid)
}

// AwaitIdle returns once the process has used almost no CPU time in three consecutive intervals.
func (p *Process) AwaitIdle(ctx context.Context) error {
	const interval, maxCPU, timeout = 250 * time.Millisecond, 5 * time.Millisecond, 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	before, err := p.CPU()
	for idleIntervals := 0; err == nil && idleIntervals < 3; {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not become idle: %w", p.command.Path, ctx.Err())
		case <-ticker.C:
		}
		var now time.Duration
		now, err = p.CPU()
		idleIntervals++
		if now-before > maxCPU {
			idleIntervals = 0
		}
		before = now
	}
	return err
}
