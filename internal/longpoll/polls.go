package longpoll

import (
	"context"
	"time"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// A wait consists of slices, each of which is one upstream poll. The server responds to
// a history poll a second before the poll's deadline, and after 20 s at the latest. To a
// poll with a timeout of a second or less it responds immediately, so a loop of such
// polls would be a busy loop.
const (
	// MaxPollTimeout and MinPollTimeout limit the timeout of an upstream poll.
	MaxPollTimeout = 22 * time.Second
	MinPollTimeout = 2 * time.Second

	// sliceMargin is the time before the deadline at which the server responds.
	sliceMargin = time.Second
	// pollInterval is the minimum time between the starts of two polls.
	pollInterval = time.Second
)

// Polls are the shared polls of a door.
type Polls struct {
	Outcomes *Outcomes
	Updates  *Updates
	Tails    *Tails

	Activities *Activities

	maxTimeout time.Duration // of one upstream poll
}

// New returns polls that end no later than base. longPoll is the maximum timeout of an
// upstream poll; a value above [MaxPollTimeout] means [MaxPollTimeout].
func New(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, longPoll time.Duration) *Polls {
	maxTimeout := min(MaxPollTimeout, longPoll)
	return &Polls{
		Outcomes:   newOutcomes(base, client, metrics, maxTimeout),
		Updates:    newUpdates(base, client, metrics, maxTimeout),
		Tails:      newTails(base, client, metrics, maxTimeout),
		Activities: newActivities(base, client, metrics, maxTimeout),
		maxTimeout: maxTimeout,
	}
}

// Close waits until all polls have ended. A poll ends with the base context of
// [New], or when its callers have left.
func (p *Polls) Close() {
	p.Outcomes.group.Close()
	p.Updates.group.Close()
	p.Tails.group.Close()
	p.Activities.group.Close()
}

// Timeout limits d to the minimum and the maximum timeout of an upstream poll.
func (p *Polls) Timeout(d time.Duration) time.Duration { return clamp(d, p.maxTimeout) }

// PollTimeout returns the timeout of the next poll of a wait that ends after the time
// left. The timeout is a second longer than left, because the server responds a second
// before the deadline.
func (p *Polls) PollTimeout(left time.Duration) time.Duration {
	return sliceTimeout(left, p.maxTimeout)
}

func sliceTimeout(left, maxTimeout time.Duration) time.Duration {
	return clamp(left+sliceMargin, maxTimeout)
}

func clamp(d, maxTimeout time.Duration) time.Duration { return min(maxTimeout, max(MinPollTimeout, d)) }

// WaitPollInterval waits until one second after begin, the start of the previous poll. If ctx
// ends first, it returns an error.
func WaitPollInterval(ctx context.Context, begin time.Time) error {
	return upstream.Sleep(ctx, pollInterval-time.Since(begin))
}
