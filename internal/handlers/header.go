package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
)

// preferredWait reads Prefer: wait=N, in seconds (RFC 7240 section 4.3). Other
// preferences are ignored, as the RFC wants.
func preferredWait(h http.Header) (wait time.Duration, ok bool, err error) {
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
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

// waitOf gives how long the caller wants to wait, at most the limit, and takes a
// place for the wait: before the request has any effect, so that one that finds
// none can be repeated as it is.
func (a *API) waitOf(c *call, parameter string) (time.Duration, error) {
	preferred, ok, err := preferredWait(c.request.Header)
	if err != nil {
		return 0, err
	}
	wait := preferred
	if parameter != "" {
		if ok {
			return 0, problem.Invalid("?wait", "must not be sent together with Prefer: wait")
		}
		if wait, err = parseDuration(parameter); err != nil {
			return 0, problem.Invalid("?wait", err.Error())
		}
	}
	if wait > 0 {
		if c.waiting, err = a.options.Waits.Enter(c.request.Context(), c.principal.Name, c.principal.Share); err != nil {
			return 0, err
		}
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
