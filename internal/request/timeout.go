package request

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
)

// Single returns the value of a header that may occur at most once.
func Single(h http.Header, name string) (string, error) {
	switch values := h.Values(name); len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", problem.Invalid(name, "must be sent once")
	}
}

// Timeout reads the timeout of each RPC from Request-Timeout, in Go's syntax, or from
// Grpc-Timeout, in gRPC's syntax (PROTOCOL-HTTP2.md). It corresponds to rpc_timeout in
// the SDKs. Timeout returns zero if neither header is set. It returns an error for an
// empty Request-Timeout, and ignores an empty Grpc-Timeout as grpc-gateway does.
func Timeout(h http.Header) (time.Duration, error) {
	requestTimeout, err := Single(h, "Request-Timeout")
	if err != nil {
		return 0, err
	}
	hasRequestTimeout := len(h.Values("Request-Timeout")) > 0
	grpcTimeout, err := Single(h, "Grpc-Timeout")
	switch {
	case err != nil:
		return 0, err
	case hasRequestTimeout && grpcTimeout != "":
		return 0, problem.Invalid("Request-Timeout", "must not be sent together with Grpc-Timeout")
	case hasRequestTimeout:
		timeout, err := time.ParseDuration(requestTimeout)
		if err != nil || timeout <= 0 {
			return 0, problem.Invalid("Request-Timeout", "must be a duration above zero, such as 500ms or 10s")
		}
		return timeout, nil
	case grpcTimeout != "":
		timeout, ok := parseGRPCTimeout(grpcTimeout)
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
		n = limit // a number of hours with eight digits overflows a Duration
	}
	return time.Duration(n) * unit, true
}
