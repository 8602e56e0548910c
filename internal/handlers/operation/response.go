package operation

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/transcode"
)

// Response is the response to a request, written by the adapter. [OK], [Created],
// [Accepted], [NoContent] and [Stream] return one.
type Response struct {
	Status int
	// Body is encoded as JSON, unless it is nil.
	Body any

	// raw is a body that is already encoded. write releases it.
	raw        *transcode.Buffer
	location   string
	etag       string // with its quotes
	retryAfter time.Duration
	replayed   bool // see [Request.MarkReplayed]
	// stream writes the body. Until it is called, the response holds size bytes, which
	// drop releases if stream is never called.
	stream func(w http.ResponseWriter) error
	size   int
	drop   func()

	text []byte // the encoded body
}

// OK returns a response with a body.
func OK(body any) *Response { return &Response{Status: http.StatusOK, Body: body} }

// Created returns the response to a request that created a resource. The response has a
// Location header unless location is empty.
func Created(body any, location string) *Response {
	return &Response{Status: http.StatusCreated, Body: body, location: location}
}

// retryPending is the Retry-After of a wait that timed out.
const retryPending = time.Second

// Accepted returns the response to a wait that timed out. The caller can continue to
// wait at location.
func Accepted(body any, location string) *Response {
	return &Response{Status: http.StatusAccepted, Body: body, location: location, retryAfter: retryPending}
}

// NoContent returns a response without a body.
func NoContent() *Response { return &Response{Status: http.StatusNoContent} }

// Stream returns a response whose header and body are written by write. Until write is
// called, the response holds size bytes, which drop releases if write is never called.
// Write must report a failure after the first byte with [Abort].
func Stream(size int, drop func(), write func(w http.ResponseWriter) error) *Response {
	return &Response{size: size, drop: drop, stream: write}
}

func (r *Response) write(w http.ResponseWriter) error {
	h := w.Header()
	if r.location != "" {
		h.Set("Location", r.location)
	}
	if r.etag != "" {
		h.Set("ETag", r.etag)
	}
	if r.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(r.retryAfter/time.Second)))
	}
	if r.replayed {
		h.Set(headerReplayed, "true")
	}
	h.Set("Cache-Control", "no-store")
	if r.stream != nil {
		return r.stream(w)
	}
	if len(r.text) == 0 {
		w.WriteHeader(r.Status)
		return nil
	}
	defer r.raw.Release()
	h.Set("Content-Type", JSON)
	h.Set("Content-Length", strconv.Itoa(len(r.text)))
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.text) // fails only if the client has left
	return nil
}

// encode encodes the body, with a line break at its end for terminals.
func (r *Response) encode() error {
	switch {
	case r.raw != nil:
		r.raw.Text = append(r.raw.Text, '\n')
		r.text = r.raw.Text
	case r.Body != nil:
		body, err := convert.Marshal(r.Body)
		if err != nil {
			return err
		}
		body = append(body, '\n')
		r.text, r.Body = body, nil
	}
	return nil
}

// scalarSize is the estimated size of a number or a boolean as JSON, with its name.
const scalarSize = 8

// encodedSize estimates the size of a value as JSON, by the sizes of its strings and
// byte slices and the number of its other values.
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
		for i := range v.NumField() { //nolint:modernize // Fields also builds a description of each field
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
	default:
		return scalarSize
	}
	return size
}

// RenderView returns a response with a view of wire, an upstream response. FirstMember is
// written as the first member of the JSON object, unless it is empty. RenderView
// reserves memory for wire and for the JSON before it renders.
func (req *Request) RenderView(
	ctx context.Context, view *transcode.Plan, wire []byte, form transcode.Options, firstMember []byte,
) (*Response, error) {
	if err := req.Reserve(ctx, 2*len(wire)); err != nil {
		return nil, err
	}
	response := &Response{Status: http.StatusOK, raw: transcode.NewBuffer()}
	var err error
	if response.raw.Text, err = view.AppendJSON(response.raw.Text, wire, form, firstMember); err != nil {
		response.raw.Release()
		return nil, problem.UnreadableResponse(err)
	}
	return response, nil
}

// Abort closes the connection of a response that has begun and cannot be completed, so
// that it never looks complete. It does not return: it panics with
// [http.ErrAbortHandler].
func Abort(ctx context.Context, err error) {
	e := problem.Of(err)
	telemetry.FromContext(ctx).SetProblem(string(e.Code), e.LogDetail())
	panic(http.ErrAbortHandler)
}
