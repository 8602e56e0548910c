package handlers

import (
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// preferredWait reads Prefer: wait=N, in seconds (RFC 7240 section 4.3). Other
// preferences, and parameters of this one, are ignored, as the RFC wants.
func preferredWait(h http.Header) (wait time.Duration, ok bool, err error) {
	for _, line := range h.Values("Prefer") {
		for preference := range splitUnquoted(line, ',') {
			name, value := cutPreference(preference)
			if !strings.EqualFold(name, "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(value, 10, 31)
			if err != nil || ok {
				return 0, false, problem.Invalid("Prefer", "wait must be a number of seconds, once")
			}
			wait, ok = time.Duration(seconds)*time.Second, true
		}
	}
	return wait, ok, nil
}

// cutPreference returns the name and the value of a preference, without the
// quotes around the value and without parameters (RFC 7240 section 2).
func cutPreference(preference string) (name, value string) {
	for first := range splitUnquoted(preference, ';') {
		name, value, _ = strings.Cut(first, "=")
		break
	}
	value = strings.TrimSpace(value)
	if last := len(value) - 1; last > 0 && value[0] == '"' && value[last] == '"' {
		value = value[1:last]
	}
	return strings.TrimSpace(name), value
}

// splitUnquoted returns the parts of text between separators. A separator in a
// quoted string (RFC 9110 section 5.6.4) does not separate. A quoted string
// that does not end goes to the end of text.
func splitUnquoted(text string, separator byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case c == '\\' && quoted:
				i++ // the next byte is escaped
			case c == '"':
				quoted = !quoted
			case c == separator && !quoted:
				if !yield(text[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(text[start:])
	}
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
		if wait, err = convert.ParseDuration(parameter); err != nil {
			return 0, problem.Invalid("?wait", err.Error())
		}
	case !ok:
		wait = absent
	}
	return min(wait, a.options.Limits.MaxWait), nil
}
