package handlers

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
)

// metadataPrefix marks the headers that carry the SDK's rpc_metadata.
const metadataPrefix = "Grpc-Metadata-"

// single gives a header that may be there once at most.
func single(h http.Header, name string) (string, error) {
	switch values := h.Values(name); len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", problem.Invalid(name, "must be sent once")
	}
}

// requestTimeout reads the deadline that the caller sets for each RPC, the
// SDK's rpc_timeout: Request-Timeout in Go's syntax, or Grpc-Timeout in gRPC's
// (PROTOCOL-HTTP2.md). Zero means that it sets none.
func requestTimeout(h http.Header) (time.Duration, error) {
	own, err := single(h, "Request-Timeout")
	if err != nil {
		return 0, err
	}
	grpc, err := single(h, "Grpc-Timeout")
	switch {
	case err != nil:
		return 0, err
	case own != "" && grpc != "":
		return 0, problem.Invalid("Request-Timeout", "must not be sent together with Grpc-Timeout")
	case own != "":
		timeout, err := time.ParseDuration(own)
		if err != nil || timeout <= 0 {
			return 0, problem.Invalid("Request-Timeout", "must be a duration above zero, such as 500ms or 10s")
		}
		return timeout, nil
	case grpc != "":
		timeout, ok := parseGRPCTimeout(grpc)
		if !ok {
			return 0, problem.Invalid("Grpc-Timeout", "must be up to eight digits, above zero, and one of the units H, M, S, m, u, n")
		}
		return timeout, nil
	default:
		return 0, nil
	}
}

func parseGRPCTimeout(text string) (time.Duration, bool) {
	const maxDigits = 8
	unit, ok := map[byte]time.Duration{
		'H': time.Hour, 'M': time.Minute, 'S': time.Second,
		'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
	}[text[len(text)-1]]
	digits := text[:len(text)-1]
	if !ok || digits == "" || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n == 0 {
		return 0, false
	}
	if limit := int64(1<<63-1) / int64(unit); n > limit {
		n = limit // eight digits of hours are more than a Duration holds
	}
	return time.Duration(n) * unit, true
}

// callerMetadata reads the Grpc-Metadata-<key> headers. A key that is not
// allowed is refused, not dropped: the caller would believe that it was sent.
func (a *API) callerMetadata(h http.Header, principal *auth.Principal) (metadata.MD, error) {
	var md metadata.MD
	for name, values := range h {
		key, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			continue
		}
		key = strings.ToLower(key)
		if config.CheckMetadataKey(key) != nil || !slices.Contains(a.allowedMetadata(principal), key) {
			return nil, problem.Newf(problem.MetadataNotAllowed, "The metadata key %q is not allowed.", short(key))
		}
		if md == nil {
			md = metadata.MD{}
		}
		for _, value := range values {
			value, err := config.DecodeMetadata(key, value)
			if err != nil {
				return nil, problem.Invalid(name, err.Error())
			}
			md.Append(key, value)
		}
	}
	return md, nil
}

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
