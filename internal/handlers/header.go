package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// preferredWait reads Prefer: wait=N, in seconds (RFC 7240 section 4.3). Other
// preferences, and parameters of this one, are ignored, as the RFC wants.
func preferredWait(h http.Header) (wait time.Duration, ok bool, err error) {
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil || ok {
				return 0, false, problem.Invalid("Prefer", "wait must be a number of seconds, once")
			}
			wait, ok = time.Duration(seconds)*time.Second, true
		}
	}
	return wait, ok, nil
}

// acquireWait gives how long the caller wants to wait, at most the limit, and takes a
// place for the wait: before the request has any effect, so that one that finds
// none can be repeated as it is.
func (a *API) acquireWait(c *operationRequest, parameter string) (time.Duration, error) {
	wait, err := a.requestedWait(c, parameter, 0)
	if err != nil || wait == 0 {
		return 0, err
	}
	return wait, c.AcquireWait(c.request.Context())
}

// acquireUpdateWait is acquireWait for sending an update. One that no worker has accepted
// is not kept by the server, so the wait is as long as may be unless the caller
// wants another, and is never none.
func (a *API) acquireUpdateWait(c *operationRequest, parameter string) (time.Duration, error) {
	wait, err := a.requestedWait(c, parameter, a.options.Limits.MaxWait)
	if err != nil {
		return 0, err
	}
	if wait == 0 {
		wait = longpoll.MinSlice
	}
	return wait, c.AcquireWait(c.request.Context())
}

// requestedWait reads how long the caller wants to wait, at most the limit.
func (a *API) requestedWait(c *operationRequest, parameter string, absent time.Duration) (time.Duration, error) {
	wait, ok, err := preferredWait(c.request.Header)
	switch {
	case err != nil:
		return 0, err
	case parameter != "" && ok:
		return 0, problem.Invalid("?wait", "must not be sent together with Prefer: wait")
	case parameter != "":
		if wait, err = parseDuration(parameter); err != nil {
			return 0, problem.Invalid("?wait", err.Error())
		}
	case !ok:
		wait = absent
	}
	return min(wait, a.options.Limits.MaxWait), nil
}

// parseDuration reads a duration of a request, which is never negative.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("must be a duration such as 30s or 1h30m")
	}
	return d, nil
}
