package longpoll

import (
	"context"
	"time"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// A wait consists of slices: each is one upstream poll. The server responds to
// a history poll a second before its deadline, and after 20 s at the latest. To
// a poll with a deadline of a second or less it responds at once, and a loop of
// such polls would not pause.
const (
	// MaxSlice and MinSlice bound the deadline of an upstream poll.
	MaxSlice = 22 * time.Second
	MinSlice = 2 * time.Second

	sliceMargin = time.Second
	// pollInterval is the shortest time between the starts of two polls.
	pollInterval = time.Second
)

// Polls are the shared polls of a door.
type Polls struct {
	Outcomes *Outcomes
	Updates  *Updates
	Tails    *Tails

	longest time.Duration
}

// New returns polls that run until base ends, each no longer than their callers
// wait. longPoll is the longest deadline of an upstream poll; it cannot exceed
// [MaxSlice].
func New(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, longPoll time.Duration) *Polls {
	longest := min(MaxSlice, longPoll)
	return &Polls{
		Outcomes: newOutcomes(base, client, metrics, longest),
		Updates:  newUpdates(base, client, metrics, longest),
		Tails:    newTails(base, client, metrics, longest),
		longest:  longest,
	}
}

// Close waits until all polls have ended: because base of [New] has, or because
// their callers have left.
func (p *Polls) Close() {
	p.Outcomes.group.Close()
	p.Updates.group.Close()
	p.Tails.group.Close()
}

// Timeout returns the deadline of an upstream poll that should take d.
func (p *Polls) Timeout(d time.Duration) time.Duration { return clamp(d, p.longest) }

// SliceTimeout returns the deadline of the next poll of a wait that has rest to
// go. It is a second longer than rest, since the server responds a second before
// a deadline.
func (p *Polls) SliceTimeout(rest time.Duration) time.Duration { return sliceTimeout(rest, p.longest) }

func sliceTimeout(rest, longest time.Duration) time.Duration { return clamp(rest+sliceMargin, longest) }

func clamp(d, longest time.Duration) time.Duration { return min(longest, max(MinSlice, d)) }

// Pace waits until a poll may follow one that started at begin, which is a
// second later, or until ctx ends.
func Pace(ctx context.Context, begin time.Time) error {
	return upstream.Sleep(ctx, pollInterval-time.Since(begin))
}
