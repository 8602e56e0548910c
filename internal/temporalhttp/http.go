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

// New compiles the google.api.http rules of the Temporal API that is linked into the binary.
func New(options Options) (*API, error) {
	bindings, err := bindings()
	return &API{options: options, bindings: bindings, drain: longpoll.NewDrain()}, err
}

// Drain ends all reads that wait for an event, so that their callers repeat them at
// another replica.
func (a *API) Drain() { a.drain.Begin() }

// Mount adds the routes to a router.
func (a *API) Mount(router chi.Router) {
	for _, b := range a.bindings {
		router.MethodFunc(b.verb, b.pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, b) })
	}
}

// call is the state of one HTTP request and of the RPC that the gateway calls for it.
type call struct {
	*binding
	*request.Admitted

	request    *http.Request
	query      url.Values
	pathValues []string // values of the path variables, in the order of binding.variables
	namespace  string
	in, out    media // of the request body and of the response

	ctx      context.Context //nolint:containedctx // the request's context with the call options and the deadline
	message  []byte
	response upstream.Response
	text     *transcode.Buffer // the encoded response; nil if it is streamed
	stop     func()            // releases the context of a wait; nil for other calls
}

// serve makes the call for a request. serve and its callees keep their stack frames
// small, because a waiting request keeps the frames in memory as long as it waits.
func (a *API) serve(w http.ResponseWriter, r *http.Request, b *binding) {
	c := newCall(r, b)
	defer c.cleanUp()
	err := a.prepare(w, c)
	if err == nil {
		c.response, err = a.options.Upstream.Invoke(c.ctx, c.method, c.message)
		if err == nil {
			err = prepareResponse(c)
		}
	}
	a.respond(w, c, err)
}

// newCall is not inlined, so that the stack frame of serve stays small.
//
//go:noinline
func newCall(r *http.Request, b *binding) *call {
	return &call{binding: b, request: r, in: plainJSON(), out: plainJSON()}
}

// prepare admits the request and builds the message of the call.
func (a *API) prepare(w http.ResponseWriter, c *call) error {
	err := a.admit(c)
	if err != nil {
		return err
	}
	body, err := c.ReadBodyAndAcquireSlot(c.ctx, w, c.request, c.body, c.waits(c.query))
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
	if c.namespaceField != 0 { // Invoke will authorise the namespace
		c.readNamespace()
	}
	if c.IsRead() && c.waits(c.query) {
		c.ctx, c.stop = a.drain.Context(c.ctx)
	}
	return nil
}

// respond writes the response, or the error as a response.
func (a *API) respond(w http.ResponseWriter, c *call, err error) {
	if err == nil {
		// Release also releases the memory reserved for the message, so the message must become garbage now:
		// writing the response may take long.
		c.message = nil
		c.Release(c.ctx)
		writeResponse(w, c)
		return
	}
	if c.Admitted != nil {
		err = c.Reject(c.ctx, err)
	}
	e := problem.Of(err)
	telemetry.FromContext(c.request.Context()).SetProblem(string(e.Code), e.LogDetail())
	writeError(w, e, c.out)
}

// cleanUp releases all resources of the request.
func (c *call) cleanUp() {
	if c.stop != nil {
		c.stop()
	}
	c.response.Release()
	c.text.Release()
	if c.Admitted != nil {
		c.Close()
	}
}

// admit reads the path, the query and the headers, and admits the request. It
// negotiates the JSON form first, because errors have that form too. Apart from a path
// that cannot be decoded, it reports invalid input only to an authorised caller.
func (a *API) admit(c *call) error {
	var queryErr error
	if raw := c.request.URL.RawQuery; raw != "" {
		c.query, queryErr = url.ParseQuery(raw)
	}
	c.in, c.out = negotiate(c.request.Header, c.query)
	if err := c.readPath(); err != nil {
		return err
	}
	op := request.Operation{
		Method: c.method, Namespace: c.namespace, NamespaceInMessage: c.namespaceField != 0, RejectDelegatedTokens: true, DropMetadata: true,
	}
	if c.waits(c.query) {
		op.Timeout = a.options.LongPoll
	}
	var err error
	if c.ctx, c.Admitted, err = a.options.Admit(c.request.Context(), c.request.Header, op); err != nil {
		return err
	}
	if queryErr != nil {
		return problem.New(problem.InvalidRequest, "The query cannot be read.").WithCause(queryErr)
	}
	if encoding := c.request.Header.Get("Content-Encoding"); c.body && encoding != "" && !strings.EqualFold(encoding, "identity") {
		return problem.New(problem.UnsupportedMediaType, "The request body must not be encoded.")
	}
	return nil
}

// readNamespace reads the namespace from the message. If the field occurs more than
// once, it uses the last occurrence, as protobuf does. The guard rejects the message
// if another occurrence differs.
func (c *call) readNamespace() {
	for number, value := range transcode.Fields(c.message) {
		if number == c.namespaceField {
			c.namespace = string(value)
		}
	}
	c.SetNamespace(c.ctx, c.namespace)
}

// readPath reads the path variables and decodes each exactly once.
func (c *call) readPath() error {
	parameters := chi.RouteContext(c.request.Context()).URLParams
	escaped := c.request.URL.RawPath != "" // otherwise the router matched the decoded path, and the values are decoded
	c.pathValues = make([]string, 0, len(c.variables))
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
		c.pathValues = append(c.pathValues, value)
	}
	return nil
}

// build returns the request message in wire form. In protobuf, the last occurrence of
// a field wins. So build appends the path variables after the fields of the body or
// query, and the caller's identity last.
func (a *API) build(c *call, body []byte) ([]byte, error) {
	var message []byte
	var err error
	if c.body {
		message, err = a.fromBody(c, body)
	} else {
		message, err = c.input.AppendQuery(nil, c.query, c.pathFields())
	}
	for i := 0; i < len(c.variables) && err == nil; i++ {
		message, err = c.variables[i].field.AppendValue(message, c.pathValues[i])
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
		if err == nil && identity.ParentsPresent(message) {
			message, err = identity.AppendValue(message, c.Principal.Name)
		}
	}
	return message, err
}

func (a *API) fromBody(c *call, body []byte) ([]byte, error) {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 { // an empty body is an empty message
		return nil, nil
	}
	c.in.options.MaxWire = 2 * int(a.options.Bodies.Max) // in wire form, a list of short values can be much larger than the body
	return c.input.AppendWire(make([]byte, 0, len(body)), body, c.in.options)
}

// pathFields returns the fields that the path sets.
func (c *call) pathFields() []transcode.Parameter {
	fields := make([]transcode.Parameter, len(c.variables))
	for i, v := range c.variables {
		fields[i] = v.field
	}
	return fields
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
