package jwt

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowgate/flowgate/internal/config"
)

// When keys are fetched.
const (
	// minRefresh and maxRefresh bound what an issuer's Cache-Control asks for, defaultRefresh stands where it asks nothing.
	minRefresh     = 5 * time.Minute
	maxRefresh     = time.Hour
	defaultRefresh = 15 * time.Minute
	// minRetry and maxRetry are the first and the longest pause after a failure.
	minRetry = 3 * time.Second
	maxRetry = time.Minute
	// demandInterval is how long after any fetch callers can cause none.
	demandInterval = 30 * time.Second
	// maxKeyWait is how long a caller waits for keys that may have come since.
	maxKeyWait = time.Second
)

// remote is the source of keys that are fetched. One goroutine, that of watch, fetches: there is never more than one
// request to the issuer. Callers read the set without a lock.
type remote struct {
	fetcher    *fetcher
	algorithms []string
	maxStale   time.Duration
	hooks      hooks
	log        *slog.Logger
	now        func() time.Time

	set atomic.Pointer[keySet]
	// failure is why the last fetch brought nothing, nil when it did.
	failure atomic.Pointer[string]

	demand demand
	// failures and skipped belong to the goroutine of watch.
	failures int
	skipped  string
}

// hooks tell of an issuer.
type hooks struct {
	onFetch      func(error)
	onUnknownKid func()
}

// demand is what callers with unknown kids may cause.
type demand struct {
	mu sync.Mutex
	// last is when the last fetch began, or was asked for; zero is never.
	last time.Time
	// inFlight is closed when the fetch that is under way, or asked for, has ended; nil when there is none.
	inFlight chan struct{}
	// requested wakes the goroutine that fetches.
	requested   chan struct{}
	unknownKids negativeCache
}

func newRemote(f *fetcher, settings config.Issuer, h hooks, log *slog.Logger, now func() time.Time) *remote {
	r := &remote{fetcher: f, algorithms: settings.Algorithms, maxStale: settings.MaxStale, hooks: h, log: log, now: now}
	r.demand.requested = make(chan struct{}, 1)
	r.demand.inFlight = make(chan struct{}) // the first fetch, which watch begins with
	return r
}

// current gives the keys in force.
func (r *remote) current(now time.Time) (*keySet, error) {
	set := r.set.Load()
	if set == nil {
		return nil, errors.New("never fetched" + r.reason())
	}
	if now.Sub(set.fetched) > r.maxStale {
		return nil, errors.New("not fetched for too long" + r.reason())
	}
	return set, nil
}

func (r *remote) reason() string {
	if failure := r.failure.Load(); failure != nil {
		return ": " + *failure
	}
	return ""
}

// find gives the key that a token is to be verified with, after a look at the issuer when it has one that is not known.
func (r *remote) find(ctx context.Context, t *token) (*key, error) {
	if r.set.Load() == nil { // the first keys of a gateway that has just started may be on their way
		r.waitForFetch(ctx, r.demand.inProgress())
	}
	set, err := r.current(r.now())
	if err != nil {
		return nil, unavailable(err)
	}
	if t.kid != "" && !set.hasKid(t.kid) {
		r.hooks.onUnknownKid()
		r.waitForKid(ctx, t.kid)
		if set, err = r.current(r.now()); err != nil {
			return nil, unavailable(err)
		}
	}
	var found *key
	if t.kid == "" {
		found = set.findByAlgorithm(t.alg)
	} else {
		found = set.findByKid(t.kid, t.alg)
	}
	if found == nil {
		return nil, invalid("no single key of the issuer has the token's kid and algorithm")
	}
	return found, nil
}

// waitForKid waits, for a moment, for a fetch that may bring kid. It begins one when none has begun for some time: who sends
// made-up kids can neither keep the issuer busy nor hold callers up.
func (r *remote) waitForKid(ctx context.Context, kid string) {
	if !r.waitForFetch(ctx, r.demand.joinFetch(kid, r.now())) {
		return
	}
	if set := r.set.Load(); set != nil && !set.hasKid(kid) && r.failure.Load() == nil {
		r.demand.rememberUnknown(kid, r.now())
	}
}

// waitForFetch waits, for a moment, for a fetch to end, and reports whether it did. None, which is nil, does not.
func (r *remote) waitForFetch(ctx context.Context, flight <-chan struct{}) bool {
	if flight == nil {
		return false
	}
	timer := time.NewTimer(maxKeyWait)
	defer timer.Stop()
	select {
	case <-flight:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// inProgress gives the fetch that is under way, or asked for; nil when there is none.
func (d *demand) inProgress() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inFlight
}

// joinFetch gives the fetch to wait for, nil when there is none to hope for.
func (d *demand) joinFetch(kid string, now time.Time) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unknownKids.has(kid, now) {
		return nil
	}
	if d.inFlight == nil && now.Sub(d.last) >= demandInterval {
		d.setInFlight(now)
		select {
		case d.requested <- struct{}{}:
		default: // nobody fetches any more
		}
	}
	return d.inFlight
}

// setInFlight must be called with the lock held.
func (d *demand) setInFlight(now time.Time) {
	d.last = now
	d.inFlight = make(chan struct{})
}

// beginFetch marks the fetch that begins now. It is the one that callers ask for, when some do.
func (d *demand) beginFetch(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.requested:
	default:
	}
	d.last = now
	if d.inFlight == nil {
		d.setInFlight(now)
	}
}

// endFetch lets the callers who wait look again.
func (d *demand) endFetch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inFlight != nil {
		close(d.inFlight)
		d.inFlight = nil
	}
}

func (d *demand) rememberUnknown(kid string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unknownKids.add(kid, now)
}

// watch fetches until ctx ends: at once, then again and again, and when a caller asks for it.
func (r *remote) watch(ctx context.Context) {
	defer r.demand.endFetch()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.demand.requested:
		}
		timer.Reset(r.refresh(ctx))
	}
}

// refresh fetches once, and gives the pause until the next time.
func (r *remote) refresh(ctx context.Context) time.Duration {
	r.demand.beginFetch(r.now())
	defer r.demand.endFetch()
	keep, err := r.replace(ctx)
	if ctx.Err() != nil {
		return 0 // the gateway stops, which is no fault of the issuer
	}
	r.report(ctx, err)
	if err != nil {
		r.failures++
		return jitter(min(minRetry<<min(r.failures-1, 8), maxRetry))
	}
	r.failures = 0
	// Keys of a short maxStale are fetched in time, if that is possible at all.
	return jitter(min(keep, max(r.maxStale/2, demandInterval)))
}

// replace puts a fetched set in the place of the one in force, if it is any good, and gives for how long to keep it.
func (r *remote) replace(ctx context.Context) (time.Duration, error) {
	// The keys are as old as the question, not as the answer.
	asked := r.now()
	content, keep, err := r.fetcher.fetch(ctx)
	if err != nil {
		return 0, err
	}
	keys, skipped, err := parseJWKS(content, r.algorithms)
	if text := strings.Join(skipped, "; "); text != r.skipped && text != "" {
		r.log.LogAttrs(ctx, slog.LevelWarn, "keys of an issuer are left out", slog.String("keys", text))
		r.skipped = text
	}
	if err != nil {
		return 0, err
	}
	r.set.Store(r.set.Load().update(keys, asked))
	return keep, nil
}

// report tells the log when the state changes, and the metric every time.
func (r *remote) report(ctx context.Context, err error) {
	failedBefore := r.failure.Load() != nil
	if err == nil {
		r.failure.Store(nil)
	} else {
		reason := err.Error()
		r.failure.Store(&reason)
	}
	switch {
	case err == nil && failedBefore:
		r.log.LogAttrs(ctx, slog.LevelInfo, "keys of an issuer are fetched again")
	case err != nil && !failedBefore:
		r.log.LogAttrs(ctx, slog.LevelError, "keys of an issuer cannot be fetched", slog.Any("error", err))
	}
	r.hooks.onFetch(err)
}

func (r *remote) age(now time.Time) (time.Duration, bool) {
	set := r.set.Load()
	if set == nil {
		return 0, false
	}
	return now.Sub(set.fetched), true
}

// jitter shortens a pause by up to a tenth, so that replicas that were started together do not ask together.
func jitter(pause time.Duration) time.Duration {
	return pause - rand.N(pause/10+1) //nolint:gosec // no secret
}
