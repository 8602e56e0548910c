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

// streamedResponseBytes is the size on the wire from which an answer is written while it
// is made. A smaller one is made whole first: what is wrong with it can still be
// told by a status.
const streamedResponseBytes = 512 << 10

// hold makes the response, unless it is made while it is written, and reserves
// the bytes that it holds until it is written: those of both forms before it is
// made. It comes before the call's slot is given back: responses that wait for
// room are as many as there are slots at most.
func hold(c *httpRequest) (err error) {
	size := len(c.response.Bytes())
	if size < streamedResponseBytes {
		if err := c.Reserve(c.ctx, 2*size); err != nil {
			return err
		}
		c.text = transcode.NewBuffer()
		if c.text.Text, err = c.output.AppendJSON(c.text.Text, c.response.Bytes(), c.out.form, nil); err != nil {
			return problem.Unreadable(err)
		}
		c.response.Release()
		c.response, size = upstream.Response{}, len(c.text.Text)
	}
	return c.Reserve(c.ctx, size)
}

// write answers with what the server answered.
func write(w http.ResponseWriter, c *httpRequest) {
	ctx := c.request.Context()
	setForm(w.Header(), c.out)
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

// stream writes an answer while it is made.
func stream(w http.ResponseWriter, c *httpRequest, wire []byte) error {
	if !c.out.pretty {
		return c.output.WriteJSON(w, wire, c.out.form, nil)
	}
	i := &indenter{to: w}
	if err := c.output.WriteJSON(i, wire, c.out.form, nil); err != nil {
		return err
	}
	return i.flush()
}

// write writes a whole document.
func (m media) write(w http.ResponseWriter, status int, text []byte) error {
	if !m.pretty {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(text))}
		w.WriteHeader(status)
		_, err := w.Write(text) //nolint:gosec // JSON by its media type, which no browser may guess at
		return err
	}
	w.WriteHeader(status)
	i := &indenter{to: w}
	_, _ = i.Write(text)
	return i.flush()
}

// abort cuts the connection, so that what was written never looks whole. That it
// could not be written is for the recorder of the server in front to say.
func abort(ctx context.Context, err error) {
	telemetry.FromContext(ctx).SetProblem(string(problem.UpstreamError), err.Error())
	panic(http.ErrAbortHandler)
}

func setForm(h http.Header, out media) {
	values := [...]string{out.contentType, "no-store"} // in one piece of memory
	h["Content-Type"] = values[0:1:1]
	h["Cache-Control"] = values[1:2:2]
}

// statusPlan is the plan of google.rpc.Status, the form of this API's errors.
//
//nolint:gochecknoglobals // compiled once
var statusPlan = sync.OnceValue(func() *transcode.Message {
	return transcode.NewPlans().Message((&status.Status{}).ProtoReflect().Descriptor())
})

// writeError writes an error as Temporal's HTTP API does.
func writeError(w http.ResponseWriter, e *problem.Error, out media) {
	shown := e.Status().Proto()
	wire, err := proto.Marshal(shown)
	var text []byte
	if err == nil {
		text, err = statusPlan().AppendJSON(nil, wire, out.form, nil)
	}
	if err != nil { // details that cannot be encoded are omitted
		wire, _ = proto.Marshal(&status.Status{Code: shown.GetCode(), Message: shown.GetMessage()})
		text, _ = statusPlan().AppendJSON(nil, wire, out.form, nil)
	}
	e.SetHeaders(w.Header())
	setForm(w.Header(), out)
	_ = out.write(w, e.HTTPStatus(), text) // a caller that has left is no failure of ours
}

// WriteError writes the error of a request that was rejected before it reached this
// API, in its form.
func WriteError(w http.ResponseWriter, r *http.Request, e *problem.Error) {
	_, out := negotiated(r.Header, r.URL.Query())
	writeError(w, e, out)
}

// Owns reports whether a path belongs to this API, by its first segments. Errors on
// such paths have the form of this API, also not found and unauthenticated.
func Owns(path string) bool {
	for _, prefix := range []string{"/api/v1", "/namespaces", "/cluster", "/system-info"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
