package operation

import (
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// AcquireRequestedWait returns the wait that the caller requests, at most the limit,
// and acquires a slot for it. It comes before the request has any effect, so that a
// request that gets no slot can be repeated.
func (req *Request) AcquireRequestedWait(parameter string) (time.Duration, error) {
	wait, err := req.requestedWait(parameter, 0)
	if err != nil || wait == 0 {
		return 0, err
	}
	return wait, req.AcquireWait(req.HTTP.Context())
}

// AcquireUpdateWait is [Request.AcquireRequestedWait] for sending an update. The server
// does not persist an update that no worker has accepted, so the default wait is the
// longest, and a wait of zero is a short one.
func (req *Request) AcquireUpdateWait(parameter string) (time.Duration, error) {
	wait, err := req.requestedWait(parameter, req.adapter.limits.MaxWait)
	if err != nil {
		return 0, err
	}
	if wait == 0 {
		wait = longpoll.MinSlice
	}
	return wait, req.AcquireWait(req.HTTP.Context())
}

// requestedWait returns the wait that the caller requests or else absent, at most the
// limit.
func (req *Request) requestedWait(parameter string, absent time.Duration) (time.Duration, error) {
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
		wait = absent
	}
	return min(wait, req.adapter.limits.MaxWait), nil
}
