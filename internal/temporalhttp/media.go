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
	form        transcode.Form
	pretty      bool
}

// Suffixes of Temporal's media types.
const (
	jsonType          = "application/json"
	suffixPretty      = "+pretty"
	suffixNoShorthand = "+no-payload-shorthand"
)

// plainJSON returns the default media type.
func plainJSON() media { return media{contentType: jsonType} }

// wildcard is the key under which Temporal's HTTP API registers plain JSON.
const wildcard = "*"

// mediaOf returns the media type with a name. The second result is false if there is
// none.
func mediaOf(name string) (media, bool) {
	switch name {
	case wildcard:
		return plainJSON(), true
	case jsonType + suffixPretty:
		return media{contentType: name, pretty: true}, true
	case jsonType + suffixNoShorthand:
		return media{contentType: name, form: transcode.Form{LongPayloads: true}}, true
	case jsonType + suffixPretty + suffixNoShorthand:
		return media{contentType: name, form: transcode.Form{LongPayloads: true}, pretty: true}, true
	default:
		return plainJSON(), false
	}
}

// negotiate returns the media types of the request body and of the response, as
// Temporal's HTTP API selects them. The first supported Content-Type selects that of
// the body; the query, else Accept, else the body's media type that of the response.
// The default is plain JSON.
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
