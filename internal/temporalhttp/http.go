package temporalhttp

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Options configure the door.
type Options struct {
	*request.Front

	// LongPoll is the deadline of a call that waits, when the caller names none.
	LongPoll time.Duration
}

// API is the Temporal HTTP API.
type API struct {
	options  Options
	bindings []*binding
	drain    *longpoll.Drain
}

// New compiles the rules of the linked API.
func New(options Options) (*API, error) {
	bindings, err := bindings()
	return &API{options: options, bindings: bindings, drain: longpoll.NewDrain()}, err
}

// Drain ends the calls in flight that only wait: their callers ask again, another
// replica.
func (d *API) Drain() { d.drain.Begin() }

// Mount adds the door's routes to a router.
func (d *API) Mount(router chi.Router) {
	for _, b := range d.bindings {
		router.MethodFunc(b.verb, b.pattern, func(w http.ResponseWriter, r *http.Request) { d.serve(w, r, b) })
	}
}

// httpRequest is one request of a binding.
type httpRequest struct {
	*binding
	*request.Admitted

	request   *http.Request
	query     url.Values
	values    []string // of the path's variables
	namespace string
	in, out   media

	ctx      context.Context //nolint:containedctx // the call's own, made from the request's
	message  []byte
	response upstream.Response
	text     *transcode.Buffer // what is written, unless it is made while it is written
	stop     func()            // ends a wait's own context
}

// serve makes the call that a request stands for. Its frame, and those of what it
// calls, are small: they are what a caller that waits costs.
func (d *API) serve(w http.ResponseWriter, r *http.Request, b *binding) {
	c := newCall(r, b)
	defer c.end()
	err := d.begin(w, c)
	if err == nil {
		c.response, err = d.options.Upstream.Invoke(c.ctx, c.method, c.message)
		if err == nil {
			err = hold(c)
		}
	}
	d.finish(w, c, err)
}

//go:noinline
func newCall(r *http.Request, b *binding) *httpRequest {
	return &httpRequest{binding: b, request: r, in: plainJSON(), out: plainJSON()}
}

// begin does all that comes before the call.
func (d *API) begin(w http.ResponseWriter, c *httpRequest) error {
	err := d.prepare(c)
	if err != nil {
		return err
	}
	body, err := c.Enter(c.ctx, w, c.request, c.body, c.waits(c.query))
	if err != nil {
		return err
	}
	err = c.Decode(c.ctx, len(body), func() (err error) {
		c.message, err = d.build(c, body)
		return err
	})
	if err == nil {
		err = c.ReserveMessage(c.ctx, len(c.message))
	}
	if err != nil {
		return err
	}
	if c.named != 0 { // the guard behind Invoke authorises it
		c.readNamespace()
	}
	if c.IsRead() && c.waits(c.query) {
		c.ctx, c.stop = d.drain.Context(c.ctx)
	}
	return nil
}

// finish writes the response.
func (d *API) finish(w http.ResponseWriter, c *httpRequest, err error) {
	if err == nil {
		c.message = nil // it does not count any more, and the response may be read slowly
		c.Release(c.ctx)
		write(w, c)
		return
	}
	if c.Admitted != nil {
		c.Reject(c.ctx, err)
	}
	e := problem.Of(err)
	telemetry.FromContext(c.request.Context()).SetProblem(string(e.Code), e.LogDetail())
	writeError(w, e, c.out)
}

// end gives back what the call holds, however it ends.
func (c *httpRequest) end() {
	if c.stop != nil {
		c.stop()
	}
	c.response.Release()
	c.text.Release()
	if c.Admitted != nil {
		c.Close()
	}
}

// prepare reads what stands beside the message. The caller is authorised before
// anything is judged, and errors have the form that was asked for.
func (d *API) prepare(c *httpRequest) error {
	var malformed error
	if raw := c.request.URL.RawQuery; raw != "" {
		c.query, malformed = url.ParseQuery(raw)
	}
	c.in, c.out = negotiated(c.request.Header, c.query)
	if err := c.readPath(); err != nil {
		return err
	}
	op := request.Operation{
		Method: c.method, Namespace: c.namespace, NamespaceInMessage: c.named != 0, RejectDelegated: true, DropMetadata: true,
	}
	if c.waits(c.query) {
		op.Timeout = d.options.LongPoll
	}
	var err error
	if c.ctx, c.Admitted, err = d.options.Admit(c.request.Context(), c.request.Header, op); err != nil {
		return err
	}
	if malformed != nil {
		return problem.New(problem.InvalidRequest, "The query cannot be read.").WithCause(malformed)
	}
	if encoding := c.request.Header.Get("Content-Encoding"); c.body && encoding != "" && !strings.EqualFold(encoding, "identity") {
		return problem.New(problem.UnsupportedMediaType, "The request body must not be encoded.")
	}
	return nil
}

// readNamespace takes the namespace from the message, where it is not in the
// path. Of a field that is there twice the last counts, and the guard holds all
// of them against it.
func (c *httpRequest) readNamespace() {
	for number, value := range transcode.Fields(c.message) {
		if number == c.named {
			c.namespace = string(value)
		}
	}
	c.SetNamespace(c.ctx, c.namespace)
}

// readPath takes the variables from the path, each decoded once.
func (c *httpRequest) readPath() error {
	parameters := chi.RouteContext(c.request.Context()).URLParams
	escaped := c.request.URL.RawPath != "" // else the router saw the path decoded
	c.values = make([]string, 0, len(c.variables))
	for _, v := range c.variables {
		value := ""
		if i := slices.Index(parameters.Keys, v.name); i >= 0 {
			value = parameters.Values[i]
		}
		if escaped {
			var err error
			if value, err = url.PathUnescape(value); err != nil {
				return problem.New(problem.InvalidPath, "The path cannot be decoded.")
			}
		}
		if value == "" { // which the router takes in the middle of a path, and not at its end
			return problem.New(problem.RouteNotFound, "There is no such route.")
		}
		if v.name == "namespace" {
			c.namespace = value
		}
		c.values = append(c.values, value)
	}
	return nil
}

// build makes the request in wire form: the body or the query, then the path,
// which wins over both, then who calls.
func (d *API) build(c *httpRequest, body []byte) ([]byte, error) {
	var message []byte
	var err error
	if c.body {
		message, err = d.fromBody(c, body)
	} else {
		message, err = c.input.AppendQuery(nil, c.query, c.bound())
	}
	for i := 0; i < len(c.variables) && err == nil; i++ {
		message, err = c.variables[i].field.AppendValue(message, c.values[i])
	}
	if err != nil {
		return nil, inputError(err)
	}
	return c.stampIdentity(message)
}

// stampIdentity says who calls, wherever the message has a place for it: whatever the
// caller has said there itself is written over, and messages that are not there
// are not made.
func (c *httpRequest) stampIdentity(message []byte) ([]byte, error) {
	var err error
	for _, identity := range c.identities {
		if err == nil && identity.Reached(message) {
			message, err = identity.AppendValue(message, c.Principal.Name)
		}
	}
	return message, err
}

func (d *API) fromBody(c *httpRequest, body []byte) ([]byte, error) {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 { // white space is no value
		return nil, nil
	}
	c.in.form.MaxWire = 2 * int(d.options.Bodies.Max) // a list of short values grows; the server takes no more in any case
	return c.input.AppendWire(make([]byte, 0, len(body)), body, c.in.form)
}

func (c *httpRequest) bound() []transcode.Parameter {
	bound := make([]transcode.Parameter, len(c.variables))
	for i, v := range c.variables {
		bound[i] = v.field
	}
	return bound
}

// inputError says what is wrong with the request's own words.
func inputError(err error) error {
	if errors.Is(err, transcode.ErrTooLarge) {
		return problem.New(problem.PayloadTooLarge, "The request is larger than the Temporal server takes.").WithCause(err)
	}
	input, ok := errors.AsType[*transcode.InputError](err)
	if !ok {
		return err
	}
	if input.Pointer == "" {
		return problem.New(problem.InvalidRequest, "The request body is no message: "+input.Reason+".")
	}
	return problem.Invalid(request.Truncate(input.Pointer), input.Reason)
}
