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

// Options configures an [API].
type Options struct {
	*request.Front

	// LongPoll is the timeout of a call that waits, unless the caller sets one.
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

// Drain ends the reads in flight that wait, so that their callers repeat them at
// another replica.
func (a *API) Drain() { a.drain.Begin() }

// Mount adds the routes to a router.
func (a *API) Mount(router chi.Router) {
	for _, b := range a.bindings {
		router.MethodFunc(b.verb, b.pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, b) })
	}
}

// call is a request to a binding and the RPC that it calls.
type call struct {
	*binding
	*request.Admitted

	request   *http.Request
	query     url.Values
	values    []string // of the path's variables
	namespace string
	in, out   media

	ctx      context.Context //nolint:containedctx // derived from the context of the request, for the call
	message  []byte
	response upstream.Response
	text     *transcode.Buffer // the encoded response, unless it is streamed
	stop     func()            // releases the context of a wait
}

// serve makes the call for a request. Its stack frame and those of its callees are
// kept small, because each request that waits occupies them.
func (a *API) serve(w http.ResponseWriter, r *http.Request, b *binding) {
	c := newCall(r, b)
	defer c.end()
	err := a.begin(w, c)
	if err == nil {
		c.response, err = a.options.Upstream.Invoke(c.ctx, c.method, c.message)
		if err == nil {
			err = prepareResponse(c)
		}
	}
	a.finish(w, c, err)
}

// newCall is not inlined, so that the stack frame of serve stays small.
//
//go:noinline
func newCall(r *http.Request, b *binding) *call {
	return &call{binding: b, request: r, in: plainJSON(), out: plainJSON()}
}

// begin admits the request and builds the message of the call.
func (a *API) begin(w http.ResponseWriter, c *call) error {
	err := a.prepare(c)
	if err != nil {
		return err
	}
	body, err := c.Enter(c.ctx, w, c.request, c.body, c.waits(c.query))
	if err != nil {
		return err
	}
	err = c.Decode(c.ctx, len(body), func() (err error) {
		c.message, err = a.build(c, body)
		return err
	})
	if err == nil {
		err = c.ReserveMessage(c.ctx, len(c.message))
	}
	if err != nil {
		return err
	}
	if c.namespaceField != 0 { // Invoke authorises the namespace
		c.readNamespace()
	}
	if c.IsRead() && c.waits(c.query) {
		c.ctx, c.stop = a.drain.Context(c.ctx)
	}
	return nil
}

// finish writes the response.
func (a *API) finish(w http.ResponseWriter, c *call, err error) {
	if err == nil {
		c.message = nil // it is no longer counted, and writing the response may take long
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

// end releases all resources of the request.
func (c *call) end() {
	if c.stop != nil {
		c.stop()
	}
	c.response.Release()
	c.text.Release()
	if c.Admitted != nil {
		c.Close()
	}
}

// prepare reads path, query and headers. It negotiates the form of JSON first, so
// that errors have that form too, and authorises the caller before it returns any
// validation error, except that of a path that cannot be decoded.
func (a *API) prepare(c *call) error {
	var malformed error
	if raw := c.request.URL.RawQuery; raw != "" {
		c.query, malformed = url.ParseQuery(raw)
	}
	c.in, c.out = negotiate(c.request.Header, c.query)
	if err := c.readPath(); err != nil {
		return err
	}
	op := request.Operation{
		Method: c.method, Namespace: c.namespace, NamespaceInMessage: c.namespaceField != 0, RejectDelegated: true, DropMetadata: true,
	}
	if c.waits(c.query) {
		op.Timeout = a.options.LongPoll
	}
	var err error
	if c.ctx, c.Admitted, err = a.options.Admit(c.request.Context(), c.request.Header, op); err != nil {
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

// readNamespace reads the namespace from the message. If the field occurs more than
// once, the last occurrence counts, and the guard requires that all others are
// equal to it.
func (c *call) readNamespace() {
	for number, value := range transcode.Fields(c.message) {
		if number == c.namespaceField {
			c.namespace = string(value)
		}
	}
	c.SetNamespace(c.ctx, c.namespace)
}

// readPath reads the variables of the path and decodes each exactly once.
func (c *call) readPath() error {
	parameters := chi.RouteContext(c.request.Context()).URLParams
	escaped := c.request.URL.RawPath != "" // else the router matched the decoded path
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
		if value == "" { // the router matches an empty segment, except at the end of a path
			return problem.New(problem.RouteNotFound, "There is no such route.")
		}
		if v.name == "namespace" {
			c.namespace = value
		}
		c.values = append(c.values, value)
	}
	return nil
}

// build returns the request message in wire form. It appends the variables of the
// path after the fields of the body or query, because the last occurrence of a
// field counts, and the caller's identity last.
func (a *API) build(c *call, body []byte) ([]byte, error) {
	var message []byte
	var err error
	if c.body {
		message, err = a.fromBody(c, body)
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

// stampIdentity sets all identity fields to the name of the principal. It does not
// add nested messages that the request does not have.
func (c *call) stampIdentity(message []byte) ([]byte, error) {
	var err error
	for _, identity := range c.identities {
		if err == nil && identity.Reached(message) {
			message, err = identity.AppendValue(message, c.Principal.Name)
		}
	}
	return message, err
}

func (a *API) fromBody(c *call, body []byte) ([]byte, error) {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 { // an empty body is an empty message
		return nil, nil
	}
	c.in.form.MaxWire = 2 * int(a.options.Bodies.Max) // a list of short values can expand to more than the server accepts
	return c.input.AppendWire(make([]byte, 0, len(body)), body, c.in.form)
}

func (c *call) bound() []transcode.Parameter {
	bound := make([]transcode.Parameter, len(c.variables))
	for i, v := range c.variables {
		bound[i] = v.field
	}
	return bound
}

// inputError converts an error of package transcode to a problem.
func inputError(err error) error {
	if errors.Is(err, transcode.ErrTooLarge) {
		return problem.New(problem.PayloadTooLarge, "The request is larger than the Temporal server accepts.").WithCause(err)
	}
	input, ok := errors.AsType[*transcode.InputError](err)
	if !ok {
		return err
	}
	if input.Pointer == "" {
		return problem.New(problem.InvalidRequest, "The request body is not a valid message: "+input.Reason+".")
	}
	return problem.Invalid(problem.Truncate(input.Pointer), input.Reason)
}
