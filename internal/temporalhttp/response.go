package temporalhttp

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// streamedResponseBytes is the minimum size, in wire form, of a response that is
// streamed: it is encoded while it is written. A smaller response is encoded before it
// is written, so that the HTTP status can still report an encoding error.
const streamedResponseBytes = 512 << 10

// prepareResponse reserves memory for the response until it is written. It also
// encodes a response that is not streamed, and then holds memory for two copies: the
// wire form and the JSON. It runs before the request's slot is released, so that the
// slots limit the number of responses that wait for memory.
func prepareResponse(c *call) (err error) {
	size := len(c.response.Bytes())
	if size < streamedResponseBytes {
		if err := c.Reserve(c.ctx, 2*size); err != nil {
			return err
		}
		c.text = transcode.NewBuffer()
		if c.text.Text, err = c.output.AppendJSON(c.text.Text, c.response.Bytes(), c.out.options, nil); err != nil {
			return problem.UnreadableResponse(err)
		}
		c.response.Release()
		c.response, size = upstream.Response{}, len(c.text.Text)
	}
	return c.Reserve(c.ctx, size)
}

// writeResponse writes the upstream's response.
func writeResponse(w http.ResponseWriter, c *call) {
	ctx := c.request.Context()
	setContentHeaders(w.Header(), c.out)
	var err error
	if c.text != nil {
		err = c.out.write(w, http.StatusOK, c.text.Text)
	} else {
		w.WriteHeader(http.StatusOK)
		err = stream(w, c, c.response.Bytes())
	}
	if err != nil {
		abort(ctx, err)
	}
}

// stream writes a response while it encodes it.
func stream(w http.ResponseWriter, c *call, wire []byte) error {
	if !c.out.pretty {
		return c.output.WriteJSON(w, wire, c.out.options, nil)
	}
	i := &indenter{to: w}
	if err := c.output.WriteJSON(i, wire, c.out.options, nil); err != nil {
		return err
	}
	return i.flush()
}

// write writes a complete document.
func (m media) write(w http.ResponseWriter, status int, text []byte) error {
	if !m.pretty {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(text))}
		w.WriteHeader(status)
		_, err := w.Write(text) //nolint:gosec // the media type is JSON, and nosniff prevents a browser from guessing another
		return err
	}
	w.WriteHeader(status)
	i := &indenter{to: w}
	_, _ = i.Write(text)
	return i.flush()
}

// abort aborts the connection, so that the client does not mistake a partial response
// for a complete one. It logs an upstream error; package server logs
// client-closed-request instead if the client has disconnected.
func abort(ctx context.Context, err error) {
	telemetry.FromContext(ctx).SetProblem(string(problem.UpstreamError), err.Error())
	panic(http.ErrAbortHandler)
}

func setContentHeaders(h http.Header, out media) {
	values := [...]string{out.contentType, "no-store"} // one allocation for both headers, which is why the slices have a capacity of 1
	h["Content-Type"] = values[0:1:1]
	h["Cache-Control"] = values[1:2:2]
}

// statusPlan returns the plan of google.rpc.Status, the message of this API's errors.
//
//nolint:gochecknoglobals // compiled once
var statusPlan = sync.OnceValue(func() *transcode.Plan {
	return transcode.NewPlans().Message((&status.Status{}).ProtoReflect().Descriptor())
})

// writeError writes an error as Temporal's HTTP API does.
func writeError(w http.ResponseWriter, e *problem.Error, out media) {
	public := e.Status().Proto()
	wire, err := proto.Marshal(public)
	var text []byte
	if err == nil {
		text, err = statusPlan().AppendJSON(nil, wire, out.options, nil)
	}
	if err != nil { // details that cannot be encoded are omitted
		wire, _ = proto.Marshal(&status.Status{Code: public.GetCode(), Message: public.GetMessage()})
		text, _ = statusPlan().AppendJSON(nil, wire, out.options, nil)
	}
	e.SetHeaders(w.Header())
	setContentHeaders(w.Header(), out)
	_ = out.write(w, e.HTTPStatus(), text) // fails only if the client has disconnected
}

// WriteError writes an error in the form of this API. It is for requests that are
// rejected before they reach the API.
func WriteError(w http.ResponseWriter, r *http.Request, e *problem.Error) {
	_, out := negotiate(r.Header, r.URL.Query())
	writeError(w, e, out)
}

// Owns reports whether a path belongs to this API, by its first segments. All errors
// on such paths have the form of this API, including 401 and 404.
func Owns(path string) bool {
	for _, prefix := range []string{"/api/v1", "/namespaces", "/cluster", "/system-info"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
