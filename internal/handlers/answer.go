package handlers

import (
	"context"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/transcode"
)

// Media types of the API's answers.
const (
	contentTypeJSON   = "application/json"
	contentTypeNDJSON = "application/x-ndjson"
)

// response is what a handler responds with.
type response struct {
	status int
	// body is encoded as JSON; nil sends none.
	body any
	// raw is a body that is JSON already; it is released when it is written.
	raw *transcode.Buffer
	// location is the Location header.
	location string
	// retryAfter is the Retry-After header; zero sends none.
	retryAfter time.Duration
	// stream writes the body itself. Size is what it holds when it begins, in
	// bytes, and drop gives that back when it is not called.
	stream func(w http.ResponseWriter) error
	size   int
	drop   func()

	text []byte // of body, once it is encoded
}

func (a *response) write(w http.ResponseWriter) error {
	h := w.Header()
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(a.retryAfter/time.Second)))
	}
	h.Set("Cache-Control", "no-store")
	if a.stream != nil {
		return a.stream(w)
	}
	if len(a.text) == 0 {
		w.WriteHeader(a.status)
		return nil
	}
	defer a.raw.Release()
	h.Set("Content-Type", contentTypeJSON)
	h.Set("Content-Length", strconv.Itoa(len(a.text)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.text) //nolint:gosec // JSON by its media type, which no browser may sniff; a client that has left is no failure of ours
	return nil
}

// encode makes the body, with a line break for those who read it in a terminal.
func (a *response) encode() error {
	switch {
	case a.raw != nil:
		a.raw.Text = append(a.raw.Text, '\n')
		a.text = a.raw.Text
	case a.body != nil:
		body, err := convert.Marshal(a.body)
		if err != nil {
			return err
		}
		body = append(body, '\n')
		a.text, a.body = body, nil
	}
	return nil
}

// encodedSize estimates how many bytes a value has as JSON, by its strings and
// the bytes that it holds.
func encodedSize(value any) int {
	return sizeOf(reflect.ValueOf(value))
}

func sizeOf(v reflect.Value) (size int) {
	switch v.Kind() {
	case reflect.String:
		return v.Len()
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return sizeOf(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() { //nolint:modernize // Fields describes each, which costs more than its size
			size += sizeOf(v.Field(i))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Len()
		}
		for i := range v.Len() {
			size += sizeOf(v.Index(i))
		}
	case reflect.Map:
		for member := v.MapRange(); member.Next(); {
			size += sizeOf(member.Key()) + sizeOf(member.Value())
		}
	default: // numbers and truth values, which are short
	}
	return size
}

// renderView answers with a view of what the server answered. It reserves the
// bytes of both forms before.
func (c *operationRequest) renderView(
	ctx context.Context, view *transcode.Message, wire []byte, form transcode.Form, first []byte,
) (*response, error) {
	if err := c.Reserve(ctx, 2*len(wire)); err != nil {
		return nil, err
	}
	shown := &response{status: http.StatusOK, raw: transcode.NewBuffer()}
	var err error
	if shown.raw.Text, err = view.AppendJSON(shown.raw.Text, wire, form, first); err != nil {
		shown.raw.Release()
		return nil, problem.Unreadable(err)
	}
	return shown, nil
}

// negotiate picks the media type to answer with (RFC 9110 section 12.5.1): of
// those that the caller likes best the operation's first. A wildcard stands for
// that one alone, since a stream is for those who name it; and a name wins over
// a wildcard that is liked as much.
func negotiate(h http.Header, types []string) (string, error) {
	if len(types) == 0 {
		types = []string{contentTypeJSON}
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
	for _, name := range []string{types[0], "application/*", "*/*", problem.ContentType} { // the most specific counts
		if quality, ok := accepted[name]; ok {
			if quality > highest {
				best = types[0]
			}
			break
		}
	}
	if best == "" {
		return "", problem.Newf(problem.NotAcceptable, "This operation answers with %s.", strings.Join(types, " or "))
	}
	return best, nil
}

// acceptQualities reads how much the caller likes what it accepts. What is no quality
// counts as one that is absent.
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

// abort cuts the connection of an answer that has begun and cannot be
// completed. That it could not be written is for the recorder of the server in
// front to say.
func abort(ctx context.Context, err error) {
	e := problem.Of(err)
	telemetry.FromContext(ctx).SetProblem(string(e.Code), e.LogDetail())
	panic(http.ErrAbortHandler)
}
