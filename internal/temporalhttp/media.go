package temporalhttp

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/flowgate/flowgate/internal/transcode"
)

// media is a form of JSON that Temporal's HTTP API reads and writes.
type media struct {
	contentType string
	form        transcode.Form
	pretty      bool
}

// Suffixes of Temporal's media types.
const (
	jsonType        = "application/json"
	suffixPretty    = "+pretty"
	suffixLongForms = "+no-payload-shorthand"
)

// plainJSON is what is read and written when nothing else is asked for.
func plainJSON() media { return media{contentType: jsonType} }

// wildcard is the name under which Temporal's HTTP API knows plain JSON.
const wildcard = "*"

// mediaOf gives the form of a media type, if it is one.
func mediaOf(name string) (media, bool) {
	switch name {
	case wildcard:
		return plainJSON(), true
	case jsonType + suffixPretty:
		return media{contentType: name, pretty: true}, true
	case jsonType + suffixLongForms:
		return media{contentType: name, form: transcode.Form{LongPayloads: true}}, true
	case jsonType + suffixPretty + suffixLongForms:
		return media{contentType: name, form: transcode.Form{LongPayloads: true}, pretty: true}, true
	default:
		return plainJSON(), false
	}
}

// negotiated gives the forms of the request's body and of its response, as
// Temporal's HTTP API chooses them: the body's by the first type that is known;
// the response's by the query, else by Accept, else the body's. What neither
// knows is plain JSON.
func negotiated(h http.Header, query url.Values) (in, out media) {
	in = plainJSON()
	for _, value := range h.Values("Content-Type") {
		name, _, err := mime.ParseMediaType(value)
		if err != nil {
			continue
		}
		if known, ok := mediaOf(name); ok {
			in = known
			break
		}
	}
	if query.Has("pretty") || query.Has("noPayloadShorthand") {
		name := jsonType
		if query.Has("pretty") {
			name += suffixPretty
		}
		if query.Has("noPayloadShorthand") {
			name += suffixLongForms
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
