package process

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the processor time, user's and system's, that the process has had so far. It is read off the process's own
// clock, in nanoseconds; /proc counts in hundredths of a second.
func (p *Process) CPU() (time.Duration, error) {
	const scheduler = 2                                   // the kernel's CPUCLOCK_SCHED; a process's clock is the complement of its id before that
	clock := int32(^p.command.Process.Pid)<<3 | scheduler //nolint:gosec // ids are below 2^22
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}
