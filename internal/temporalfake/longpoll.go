package temporalfake

import (
	"context"
	"time"
)

const (
	// LongPoll is how long the server keeps a long poll open if no event occurs.
	LongPoll = 20 * time.Second
	// DeadlineMargin is how long before the caller's deadline the server ends
	// a history poll.
	DeadlineMargin = time.Second
)

// historyPollTime returns how long the server keeps a history poll open. The result may
// be negative.
func historyPollTime(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return LongPoll
	}
	return min(LongPoll, time.Until(deadline)-DeadlineMargin)
}
