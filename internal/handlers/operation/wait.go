package operation

import (
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// AcquireRequestedWait returns how long the caller requests to wait, at most
// limits.maxWait, and acquires a slot for the wait. Call it before the request has any
// effect, so that the caller can repeat a request that gets no slot.
func (req *Request) AcquireRequestedWait(parameter string) (time.Duration, error) {
	wait, err := req.requestedWait(parameter, 0)
	if err != nil || wait == 0 {
		return 0, err
	}
	return wait, req.AcquireWait(req.HTTP.Context())
}

// RequestedWait returns how long the caller requests to wait, at most limits.maxWait, or
// zero. It acquires no slot.
func (req *Request) RequestedWait(parameter string) (time.Duration, error) {
	return req.requestedWait(parameter, 0)
}

// AcquireUpdateWait is [Request.AcquireRequestedWait] for a request that sends an update.
// The server does not persist an update that no worker has accepted, so the wait is
// limits.maxWait by default, and [longpoll.MinPollTimeout] if the caller requests 0.
func (req *Request) AcquireUpdateWait(parameter string) (time.Duration, error) {
	wait, err := req.requestedWait(parameter, req.adapter.limits.MaxWait)
	if err != nil {
		return 0, err
	}
	if wait == 0 {
		wait = longpoll.MinPollTimeout
	}
	return wait, req.AcquireWait(req.HTTP.Context())
}

// requestedWait returns the wait that the caller requests, or defaultWait if it requests
// none, at most limits.maxWait.
func (req *Request) requestedWait(parameter string, defaultWait time.Duration) (time.Duration, error) {
	wait, ok, err := preferredWait(req.HTTP.Header)
	switch {
	case err != nil:
		return 0, err
	case parameter != "" && ok:
		return 0, problem.Invalid("?wait", "must not be sent together with Prefer: wait")
	case parameter != "":
		if wait, err = convert.ParseDuration(parameter); err != nil {
			return 0, problem.Invalid("?wait", err.Error())
		}
	case !ok:
		wait = defaultWait
	}
	return min(wait, req.adapter.limits.MaxWait), nil
}
