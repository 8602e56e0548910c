package request

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Front is the front half of the corridor: what every door does with a request
// before it calls the Temporal server, and with the response before it is
// written. It is shared by all doors, so that a bound counts at all of them
// together.
type Front struct {
	Upstream *upstream.Client
	// Bodies reads the bodies of requests.
	Bodies *Bodies
	// Reads, Writes and Waits bound the requests in flight, by kind.
	Reads, Writes, Waits *limit.Pool
	// Responses bounds the bytes of responses until they are written.
	Responses *limit.Bytes
	// CallerMetadata are the metadata keys that every caller may send.
	CallerMetadata []string
}

// Operation is what a door knows of a request before it reads it.
type Operation struct {
	// Method is the full name of the RPC that decides about access.
	Method string
	// Namespace is the one that the path names.
	Namespace string
	// NamespaceInMessage is set when the message names the namespace and not the
	// path. Then [Admitted.SetNamespace] names it once the message is there.
	NamespaceInMessage bool
	// RejectDelegated rejects the bearers of delegated tokens: the door's page tokens
	// are the server's own, and would carry a bearer to other runs.
	RejectDelegated bool
	// DropMetadata drops metadata keys that are not allowed. Otherwise they are an
	// error: the caller would rely on them.
	DropMetadata bool
	// Timeout is the deadline of each call when the caller names none; zero takes
	// the default of [upstream.Client].
	Timeout time.Duration
	// Retry and Features are those of [upstream.CallOptions].
	Retry, Features bool
}

// Admitted is a request that may go on. It owns the request's slots, the bytes
// of its response and its audit line. It is used by one goroutine at a time.
type Admitted struct {
	Principal *auth.Principal

	front   *Front
	method  string
	access  auth.Access
	options upstream.CallOptions

	slot, waitSlot limit.Slot
	held           limit.Reservation
	room           int64 // bytes of the last part of a stream
}

// Admit authorises the caller first, so that one who may not call learns nothing
// from how the rest of the request is judged, and then reads the deadline and the
// metadata. Calls in the context that it returns are made as the request asks.
// The caller of Admit must close what it returns. A rejection has its audit line
// already; errors are [problem.Error]s.
func (f *Front) Admit(ctx context.Context, h http.Header, op Operation) (context.Context, *Admitted, error) {
	a := &Admitted{front: f, method: op.Method}
	a.Principal, _ = auth.PrincipalFrom(ctx)
	a.access, _ = auth.AccessOf(op.Method)
	a.options = upstream.CallOptions{Namespace: op.Namespace, Retry: op.Retry, Features: op.Features, Trail: &upstream.Trail{}}
	ctx = upstream.NewContext(ctx, &a.options)
	if err := a.admit(ctx, h, op); err != nil {
		a.Reject(ctx, err)
		return ctx, nil, err
	}
	return ctx, a, nil
}

func (a *Admitted) admit(ctx context.Context, h http.Header, op Operation) error {
	if op.RejectDelegated && a.Principal != nil && a.Principal.Capability != nil {
		return problem.New(problem.OperationForbidden, "A delegated token is for the client API, under /v1.")
	}
	if op.NamespaceInMessage {
		// The namespace is not known yet. A caller that may not call anywhere is
		// rejected before it takes a slot.
		if err := a.Principal.AuthorizeSomewhere(op.Method); err != nil {
			return err
		}
	} else {
		if err := a.Principal.Authorize(op.Method, op.Namespace); err != nil {
			return err
		}
		if err := CheckNamespace(op.Namespace); err != nil {
			return err
		}
		telemetry.FromContext(ctx).SetNamespace(op.Namespace) // not before: anybody may name anything
	}
	var err error
	if a.options.Timeout, err = Timeout(h); err != nil {
		return err
	}
	a.options.Timeout = cmp.Or(a.options.Timeout, op.Timeout)
	read := Metadata
	if op.DropMetadata {
		read = AllowedMetadata
	}
	a.options.Metadata, err = read(h, a.AllowedMetadata())
	return err
}

// AllowedMetadata returns the metadata keys that the caller may send.
func (a *Admitted) AllowedMetadata() Keys { return Allowed(a.front.CallerMetadata, a.Principal) }

// SetNamespace names the namespace that the message holds. The guard in
// [upstream.Client.Invoke] authorises it.
func (a *Admitted) SetNamespace(ctx context.Context, namespace string) {
	a.options.Namespace = namespace
	if a.Principal.Authorize(a.method, namespace) == nil {
		telemetry.FromContext(ctx).SetNamespace(namespace) // not before: anybody may name anything
	}
}

// IsRead reports whether the request changes nothing.
func (a *Admitted) IsRead() bool { return a.access.Role <= auth.RoleRead }

// Enter reads the body, if there is to be one, and then takes a slot: a body that
// arrives slowly must not hold one. Requests that wait have slots of their own.
func (a *Admitted) Enter(ctx context.Context, w http.ResponseWriter, r *http.Request, hasBody, waits bool) (body []byte, err error) {
	var arrived limit.Reservation
	if hasBody {
		if body, arrived, err = a.front.Bodies.Read(w, r, a.Principal); err != nil {
			return nil, err
		}
	}
	pool := a.front.Writes
	switch {
	case waits:
		pool = a.front.Waits
	case a.IsRead():
		pool = a.front.Reads
	}
	a.slot, err = pool.Acquire(ctx, a.Principal.Account(), a.Principal.Share)
	arrived.Release()
	return body, err
}

// AcquireWait takes a slot for a wait. It comes before the request has any
// effect, so that one that finds no slot can be repeated.
func (a *Admitted) AcquireWait(ctx context.Context) (err error) {
	a.waitSlot, err = a.front.Waits.Acquire(ctx, a.Principal.Account(), a.Principal.Share)
	return err
}

// TakeWait hands the slot of a wait over to the caller, which releases it.
func (a *Admitted) TakeWait() limit.Slot { return a.waitSlot.Take() }

// Release releases the slot and writes the audit line, as a request does that
// has made its call: its wait, or the writing of its response, is still to come.
func (a *Admitted) Release(ctx context.Context) {
	a.slot.Release()
	a.front.Upstream.WriteTrail(ctx, a.Principal, a.options.Trail)
}

// Reject is [Admitted.Release] for a request that ends with err. Its audit line
// says so unless a call has been made.
func (a *Admitted) Reject(ctx context.Context, err error) {
	a.front.Upstream.RejectTrail(ctx, a.Principal, a.options.Trail, a.method, a.options.Namespace, err)
	a.slot.Release()
}

// Close releases all that the request holds.
func (a *Admitted) Close() {
	a.slot.Release()
	a.waitSlot.Release()
	a.held.Release()
}

// Reserve counts the bytes of a response until [Admitted.Close]. It comes before
// the slot is released: at most as many responses wait for room as there are
// slots. Errors are those of [limit.Bytes.Reserve]; after a write they say that
// the call was made, since the other rejections of that kind come before it.
func (a *Admitted) Reserve(ctx context.Context, bytes int) (err error) {
	a.room = int64(bytes)
	a.held, err = a.front.Responses.Reserve(ctx, a.Principal.Account(), a.Principal.Share, a.room)
	if e, is := errors.AsType[*problem.Error](err); is && !a.IsRead() {
		e.Detail += " The call was made; repeat it with the same id or Idempotency-Key to get its response."
	}
	return err
}

// ReleaseBytes releases the bytes of the response, before [Admitted.Close].
func (a *Admitted) ReleaseBytes() { a.held.Release() }

// ReserveNext releases the bytes of the part that was written, and counts those
// of the next one, which is there already.
func (a *Admitted) ReserveNext(ctx context.Context, bytes int) (err error) {
	a.held.Release()
	a.held, err = a.front.Responses.Resume(ctx, a.Principal.Account(), a.Principal.Share, int64(bytes))
	return err
}

// Next fetches the next page of a response that has begun, in a slot of its own:
// the request's was released when the response began, because a slow reader must
// not hold one, and without a slot a caller's streams would have no bound. The
// page's bytes are reserved as soon as it is there. If they have no room yet, the
// page and its slot are released, and it is fetched again when they have: what
// waits holds neither.
func (a *Admitted) Next(ctx context.Context, fetch func(context.Context) (upstream.Response, error)) (upstream.Response, error) {
	a.held.Release()
	for {
		held, err := a.front.Responses.Resume(ctx, a.Principal.Account(), a.Principal.Share, a.room)
		if err != nil {
			return upstream.Response{}, err
		}
		var page upstream.Response
		err = a.InSlot(ctx, func() (err error) {
			page, err = fetch(ctx)
			return err
		})
		if err != nil {
			held.Release()
			return page, err
		}
		a.room = int64(len(page.Bytes()))
		if held.Fit(a.room) {
			a.held = held
			return page, nil
		}
		page.Release()
		held.Release()
	}
}

// InSlot calls do in a slot of its own, for a response that has begun: it waits
// for the slot until ctx ends.
func (a *Admitted) InSlot(ctx context.Context, do func() error) error {
	slot, err := a.front.Reads.Resume(ctx, a.Principal.Account(), a.Principal.Share)
	if err != nil {
		return err
	}
	defer slot.Release()
	return do()
}
