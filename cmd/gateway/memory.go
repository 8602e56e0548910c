package main

import (
	"errors"
	"log/slog"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is the share of the container's memory limit that Go may use. The rest is for what Go does not manage, such
// as the stacks of system threads.
const memoryShare = 0.9

// limitMemory sets Go's memory limit to a share of the limit of the process's cgroup, and logs the limit that is in
// force. Without it, the garbage collector would let the heap grow beyond the limit of the container, and the kernel
// would kill the process. GOMEMLIMIT takes precedence.
func limitMemory(log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare))
	switch {
	case errors.Is(err, memlimit.ErrCgroupsNotSupported), errors.Is(err, memlimit.ErrNoCgroup):
	case err != nil:
		log.Warn("the memory limit of the container is unknown", slog.Any("error", err))
	case limit < math.MaxInt64:
		log.Info("memory is limited", slog.Int64("bytes", limit))
	}
}
