package operation

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

// Media types of requests and responses.
const (
	JSON       = "application/json"
	NDJSON     = "application/x-ndjson"
	MergePatch = "application/merge-patch+json" // RFC 7396
)

// negotiate returns the media type of the response (RFC 9110 section 12.5.1): the one of
// types with the highest quality, and the first among equals. A wildcard matches only
// the first type, because a caller that does not name a streaming type may be unable to
// read it. A named type takes precedence over a wildcard of the same quality.
func negotiate(h http.Header, types []string) (string, error) {
	if len(types) == 0 {
		types = []string{JSON}
	}
	accept := strings.Join(h.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return types[0], nil
	}
	accepted := acceptQualities(accept)
	best, highest := "", 0.0
	for _, offered := range types {
		if accepted[offered] > highest {
			best, highest = offered, accepted[offered]
		}
	}
	// Of the entries that match the first type, the most specific applies. A caller that accepts only problems
	// receives the first type too.
	for _, name := range []string{types[0], "application/*", "*/*", problem.ContentType} {
		if quality, ok := accepted[name]; ok {
			if quality > highest {
				best = types[0]
			}
			break
		}
	}
	if best == "" {
		return "", problem.Newf(problem.NotAcceptable, "This operation responds with %s.", strings.Join(types, " or "))
	}
	return best, nil
}

// acceptQualities returns the quality of each media type in an Accept header. It ignores
// an invalid quality, as if the parameter were absent.
func acceptQualities(accept string) map[string]float64 {
	accepted := map[string]float64{}
	for part := range splitUnquoted(accept, ',') {
		mediaType, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		quality := 1.0
		if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil && q >= 0 && q <= 1 {
			quality = q
		}
		accepted[mediaType] = max(accepted[mediaType], quality)
	}
	return accepted
}
