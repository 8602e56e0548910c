package rpc

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

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Options are what the door is made of.
type Options struct {
	Upstream *upstream.Client
	// Bodies reads the requests' bodies.
	Bodies *request.Bodies
	// LongPoll is the deadline of a call that waits, when the caller names none.
	LongPoll time.Duration
	// CallerMetadata are the metadata keys that every caller may send.
	CallerMetadata []string
	// Reads, Writes and Waits bound what is in flight of each kind.
	Reads, Writes, Waits *limit.Pool
	// Responses bounds the bytes of responses until they are written.
	Responses *limit.Bytes
}

// HTTP is the Temporal HTTP API.
type HTTP struct {
	options  Options
	bindings []*binding
	drain    *longpoll.Drain
}

// NewHTTP compiles the rules of the linked API.
func NewHTTP(options Options) (*HTTP, error) {
	bindings, err := bindings()
	return &HTTP{options: options, bindings: bindings, drain: longpoll.NewDrain()}, err
}

// Drain ends the calls in flight that only wait: their callers ask again, another
// replica.
func (d *HTTP) Drain() { d.drain.Begin() }

// Mount adds the door's routes to a router.
func (d *HTTP) Mount(router chi.Router) {
	for _, b := range d.bindings {
		router.MethodFunc(b.verb, b.pattern, func(w http.ResponseWriter, r *http.Request) { d.serve(w, r, b) })
	}
}

// opts is one request on its way.
type httpRequest struct {
	*binding
	request   *http.Request
	query     url.Values
	values    []string // of the path's variables
	namespace string
	principal *auth.Principal
	opts      *upstream.CallOptions
	in, out   media

	ctx      context.Context //nolint:containedctx // the call's own, made from the request's
	slot     limit.Slot
	message  []byte
	response upstream.Response
	text     *transcode.Buffer // what is written, unless it is made while it is written
	held     limit.Reservation // the bytes of the one or the other
	stop     func()            // ends a wait's own context
}

// serve makes the call that a request stands for. Its frame, and those of what it
// calls, are small: they are what a caller that waits costs.
func (d *HTTP) serve(w http.ResponseWriter, r *http.Request, b *binding) {
	c := newCall(r, b)
	defer c.end()
	err := d.begin(w, c)
	if err == nil {
		c.response, err = d.options.Upstream.Invoke(c.ctx, c.method, c.message)
		if err == nil {
			err = d.hold(c)
		}
		c.slot.Release()
	}
	d.finish(w, c, err)
}

//go:noinline
func newCall(r *http.Request, b *binding) *httpRequest {
	return &httpRequest{binding: b, request: r, in: plainJSON(), out: plainJSON()}
}

// begin does all that comes before the call.
func (d *HTTP) begin(w http.ResponseWriter, c *httpRequest) error {
	err := d.prepare(c)
	if err != nil {
		return err
	}
	body, arrived, err := d.read(w, c)
	if err != nil {
		return err
	}
	c.slot, err = d.pool(c).Acquire(c.ctx, c.principal.Account(), c.principal.Share)
	arrived.Release()
	if err != nil {
		return err
	}
	if c.message, err = d.build(c, body); err != nil {
		return err
	}
	if c.named != 0 { // the guard behind Invoke authorises it
		c.readNamespace()
	}
	if access, _ := auth.AccessOf(c.method); access.Role == auth.RoleRead && c.waits(c.query) {
		c.ctx, c.stop = d.drain.Context(c.ctx)
	}
	return nil
}

// finish answers.
func (d *HTTP) finish(w http.ResponseWriter, c *httpRequest, err error) {
	if err == nil {
		write(w, c)
	} else {
		ctx := c.ctx
		if ctx == nil {
			ctx = c.request.Context() // it was refused before there was a call
		}
		d.options.Upstream.AuditRejected(ctx, c.method, c.namespace, err)
		e := problem.Of(err)
		telemetry.FromContext(c.request.Context()).SetProblem(string(e.Code), e.LogDetail())
		writeError(w, e, c.out)
	}
}

// end gives back what the call holds, however it ends.
func (c *httpRequest) end() {
	if c.stop != nil {
		c.stop()
	}
	c.slot.Release()
	c.response.Release()
	c.text.Release()
	c.held.Release()
}

// prepare reads what stands beside the message. The caller is authorised before
// anything is judged, and errors have the form that was asked for.
func (d *HTTP) prepare(c *httpRequest) error {
	var unread error
	if raw := c.request.URL.RawQuery; raw != "" {
		c.query, unread = url.ParseQuery(raw)
	}
	c.in, c.out = negotiated(c.request.Header, c.query)
	ctx, err := c.request.Context(), c.readPath()
	if err != nil {
		return err
	}
	c.principal, _ = auth.PrincipalFrom(ctx)
	if err := c.authorize(ctx); err != nil {
		return err
	}
	if unread != nil {
		return problem.New(problem.InvalidRequest, "The query cannot be read.").WithCause(unread)
	}
	timeout, err := request.Timeout(c.request.Header)
	if err != nil {
		return err
	}
	if timeout == 0 && c.waits(c.query) {
		timeout = d.options.LongPoll
	}
	md, err := request.AllowedMetadata(c.request.Header, request.Allowed(d.options.CallerMetadata, c.principal))
	if err != nil {
		return err
	}
	c.opts = &upstream.CallOptions{Namespace: c.namespace, Timeout: timeout, Metadata: md}
	c.ctx = upstream.NewContext(ctx, c.opts)
	return nil
}

// authorize decides over the caller. A namespace that stands in the message is
// not known yet: who may not call anywhere is refused all the same, before it
// takes a place.
func (c *httpRequest) authorize(ctx context.Context) error {
	if c.principal != nil && c.principal.Capability != nil {
		// Page tokens are the server's own here, and would carry their bearer to other runs.
		return problem.New(problem.OperationForbidden, "A delegated token is for the client API, under /v1.")
	}
	if c.named != 0 {
		return c.principal.AuthorizeSomewhere(c.method)
	}
	if err := c.principal.Authorize(c.method, c.namespace); err != nil {
		return err
	}
	if err := request.CheckNamespace(c.namespace); err != nil {
		return err
	}
	telemetry.FromContext(ctx).SetNamespace(c.namespace)
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
	c.opts.Namespace = c.namespace
	if c.principal.Authorize(c.method, c.namespace) == nil {
		telemetry.FromContext(c.ctx).SetNamespace(c.namespace) // not before: anybody may name anything
	}
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

// pool gives the one that the call is counted in.
func (d *HTTP) pool(c *httpRequest) *limit.Pool {
	access, _ := auth.AccessOf(c.method)
	switch {
	case c.waits(c.query):
		return d.options.Waits
	case access.Role > auth.RoleRead:
		return d.options.Writes
	default:
		return d.options.Reads
	}
}

// build makes the request in wire form: the body or the query, then the path,
// which wins over both, then who calls.
func (d *HTTP) build(c *httpRequest, body []byte) ([]byte, error) {
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
			message, err = identity.AppendValue(message, c.principal.Name)
		}
	}
	return message, err
}

// read takes the body, before the call has a slot: bodies that arrive slowly have
// a bound of their own.
func (d *HTTP) read(w http.ResponseWriter, c *httpRequest) ([]byte, limit.Reservation, error) {
	if !c.body {
		return nil, limit.Reservation{}, nil
	}
	if encoding := c.request.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, limit.Reservation{}, problem.New(problem.UnsupportedMediaType, "The request body must not be encoded.")
	}
	return d.options.Bodies.Read(w, c.request, c.principal)
}

func (d *HTTP) fromBody(c *httpRequest, body []byte) ([]byte, error) {
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
