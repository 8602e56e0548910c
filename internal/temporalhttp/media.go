package temporalhttp

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/flowgate/flowgate/internal/transcode"
)

// media is one of the JSON media types of Temporal's HTTP API.
type media struct {
	contentType string
	// options selects the long form of payloads for a media type without the shorthand.
	options transcode.Options
	pretty  bool
}

// Temporal's media types are application/json with any of the suffixes, in this order.
const (
	jsonType          = "application/json"
	suffixPretty      = "+pretty"
	suffixNoShorthand = "+no-payload-shorthand"
)

// plainJSON returns the default media type.
func plainJSON() media { return media{contentType: jsonType} }

// wildcard is the only name under which Temporal's HTTP API registers plain JSON.
const wildcard = "*"

// mediaOf returns the media type that Temporal's HTTP API registers under a name. It
// reports false for all other names, so that the next rule of [negotiate] applies. One of
// these is application/json itself: see [wildcard].
func mediaOf(name string) (media, bool) {
	switch name {
	case wildcard:
		return plainJSON(), true
	case jsonType + suffixPretty:
		return media{contentType: name, pretty: true}, true
	case jsonType + suffixNoShorthand:
		return media{contentType: name, options: transcode.Options{LongPayloads: true}}, true
	case jsonType + suffixPretty + suffixNoShorthand:
		return media{contentType: name, options: transcode.Options{LongPayloads: true}, pretty: true}, true
	default:
		return plainJSON(), false
	}
}

// negotiate returns the media types of the request body (in) and of the response
// (out), as Temporal's HTTP API selects them. The body has the first registered media
// type in Content-Type, else plain JSON. The response has the media type that the query
// selects, else that of the first Accept line that is the name of a registered one, else
// that of the body. As in grpc-gateway, an Accept line with a list or with parameters
// matches no name.
func negotiate(h http.Header, query url.Values) (in, out media) {
	in = plainJSON()
	for _, value := range h.Values("Content-Type") {
		name, _, err := mime.ParseMediaType(value)
		if err != nil {
			continue
		}
		if supported, ok := mediaOf(name); ok {
			in = supported
			break
		}
	}
	if query.Has("pretty") || query.Has("noPayloadShorthand") {
		name := jsonType
		if query.Has("pretty") {
			name += suffixPretty
		}
		if query.Has("noPayloadShorthand") {
			name += suffixNoShorthand
		}
		out, _ = mediaOf(name)
		return in, out
	}
	for _, value := range h.Values("Accept") {
		if out, ok := mediaOf(value); ok {
			return in, out
		}
	}
	return in, in
}
