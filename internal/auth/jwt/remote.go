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

// The intervals of fetches.
const (
	// minRefresh and maxRefresh bound the max-age of an issuer's Cache-Control. defaultRefresh applies without max-age.
	minRefresh     = 5 * time.Minute
	maxRefresh     = time.Hour
	defaultRefresh = 15 * time.Minute
	// minRetry and maxRetry are the first and the maximum delay after a failure.
	minRetry = 3 * time.Second
	maxRetry = time.Minute
	// demandInterval is the time after the start of any fetch during which callers cannot cause another.
	demandInterval = 30 * time.Second
	// maxKeyWait is the maximum time that a caller waits for a fetch.
	maxKeyWait = time.Second
)

// remote is a source that fetches keys. Only the goroutine that runs watch fetches, so there is at most one request
// to the issuer at a time. Callers read the set without a lock.
type remote struct {
	fetcher    *fetcher
	algorithms []string
	maxStale   time.Duration
	hooks      hooks
	log        *slog.Logger
	now        func() time.Time

	set atomic.Pointer[keySet]
	// failure is the reason why the last fetch failed; nil if it succeeded.
	failure atomic.Pointer[string]

	demand demand
	// failures is the number of consecutive failed fetches. skipped is the last logged text about keys of the issuer that
	// are not used. Only the goroutine that runs watch uses the two fields.
	failures int
	skipped  string
}

// hooks report events of one issuer.
type hooks struct {
	onFetch      func(error)
	onUnknownKid func()
}

// demand coordinates the fetches that callers with unknown kids request.
type demand struct {
	mu sync.Mutex
	// lastFetch is when the last fetch began or was requested; zero if never.
	lastFetch time.Time
	// inFlight is closed when the fetch in flight, or the requested one, has ended. It is nil if there is none.
	inFlight chan struct{}
	// requested wakes the goroutine that fetches.
	requested   chan struct{}
	unknownKids negativeCache
}

func newRemote(f *fetcher, settings config.Issuer, h hooks, log *slog.Logger, now func() time.Time) *remote {
	r := &remote{fetcher: f, algorithms: settings.Algorithms, maxStale: settings.MaxStale, hooks: h, log: log, now: now}
	r.demand.requested = make(chan struct{}, 1)
	r.demand.inFlight = make(chan struct{}) // for the first fetch, with which watch begins
	return r
}

// current returns the keys in force.
func (r *remote) current(now time.Time) (*keySet, error) {
	set := r.set.Load()
	if set == nil {
		return nil, errors.New("never fetched" + r.failureSuffix())
	}
	if now.Sub(set.fetched) > r.maxStale {
		return nil, errors.New("not fetched for too long" + r.failureSuffix())
	}
	return set, nil
}

// failureSuffix returns why the last fetch failed, as the end of an error text; it is empty if the fetch succeeded.
func (r *remote) failureSuffix() string {
	if failure := r.failure.Load(); failure != nil {
		return ": " + *failure
	}
	return ""
}

// find returns the key to verify a token with. If the token has an unknown kid, find may wait for a fetch.
func (r *remote) find(ctx context.Context, t *token) (*key, error) {
	if r.set.Load() == nil { // the first fetch after the start may be in flight
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
	switch {
	case found != nil:
		return found, nil
	case t.kid != "" && !set.hasKid(t.kid):
		return nil, invalid("unknown kid: no single key of the issuer has it")
	default:
		return nil, invalid("no single key of the issuer has the token's kid and algorithm")
	}
}

// waitForKid waits up to maxKeyWait for a fetch that may provide kid. It requests a fetch unless one began within
// demandInterval: otherwise callers with invented kids could overload the issuer.
func (r *remote) waitForKid(ctx context.Context, kid string) {
	if !r.waitForFetch(ctx, r.demand.joinFetch(kid, r.now())) {
		return
	}
	if set := r.set.Load(); set != nil && !set.hasKid(kid) && r.failure.Load() == nil {
		r.demand.rememberUnknown(kid, r.now()) // later callers with this kid do not wait
	}
}

// waitForFetch waits up to maxKeyWait for a fetch to end and reports whether it did. It returns false for a nil
// channel.
func (r *remote) waitForFetch(ctx context.Context, inFlight <-chan struct{}) bool {
	if inFlight == nil {
		return false
	}
	timer := time.NewTimer(maxKeyWait)
	defer timer.Stop()
	select {
	case <-inFlight:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// inProgress returns a channel that is closed when the fetch in flight or requested ends. It is nil if there is none.
func (d *demand) inProgress() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inFlight
}

// joinFetch returns a channel that is closed when the fetch that may provide kid ends. It requests a fetch if none is
// in flight and demandInterval has passed. It returns nil if there is no fetch to wait for.
func (d *demand) joinFetch(kid string, now time.Time) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unknownKids.has(kid, now) {
		return nil
	}
	if d.inFlight == nil && now.Sub(d.lastFetch) >= demandInterval {
		d.setInFlight(now)
		select {
		case d.requested <- struct{}{}:
		default: // watch has ended
		}
	}
	return d.inFlight
}

// setInFlight records a new fetch. The caller holds d.mu.
func (d *demand) setInFlight(now time.Time) {
	d.lastFetch = now
	d.inFlight = make(chan struct{})
}

// beginFetch records that a fetch begins. The fetch also satisfies a pending request.
func (d *demand) beginFetch(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.requested:
	default:
	}
	d.lastFetch = now
	if d.inFlight == nil {
		d.setInFlight(now)
	}
}

// endFetch wakes the callers that wait for the fetch.
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

// watch fetches keys immediately, at each refresh interval and on request, until ctx is done.
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

// refresh fetches once and returns the delay until the next fetch.
func (r *remote) refresh(ctx context.Context) time.Duration {
	r.demand.beginFetch(r.now())
	defer r.demand.endFetch()
	refreshIn, err := r.replace(ctx)
	if ctx.Err() != nil {
		return 0 // the gateway is stopping; the issuer did not fail
	}
	r.report(ctx, err)
	if err != nil {
		r.failures++
		return jitter(min(minRetry<<min(r.failures-1, 8), maxRetry))
	}
	r.failures = 0
	// With a short maxStale, the keys are refreshed before they become stale, but not more often than demandInterval.
	return jitter(min(refreshIn, max(r.maxStale/2, demandInterval)))
}

// replace fetches a key set and, if it is valid, replaces the one in force. It returns the time until the next refresh.
func (r *remote) replace(ctx context.Context) (time.Duration, error) {
	// The age of the keys is measured from the request, not from the response.
	requested := r.now()
	content, refreshIn, err := r.fetcher.fetch(ctx)
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
	r.set.Store(r.set.Load().update(keys, requested))
	return refreshIn, nil
}

// report logs when fetches begin to fail or succeed again. It calls the hook for the metric after every fetch.
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

func (r *remote) fetch(ctx context.Context) error {
	_, err := r.replace(ctx)
	return err
}

func (r *remote) age(now time.Time) (time.Duration, bool) {
	set := r.set.Load()
	if set == nil {
		return 0, false
	}
	return now.Sub(set.fetched), true
}

// jitter shortens a delay by up to a tenth, so that replicas started together do not fetch together.
func jitter(delay time.Duration) time.Duration {
	return delay - rand.N(delay/10+1) //nolint:gosec // not a secret
}
