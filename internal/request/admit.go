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
	// Decoding bounds how many large bodies are decoded at the same time: its
	// capacity. Decoding takes many times the size of some bodies for a moment.
	Decoding chan struct{}
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
	body           limit.Reservation // of the request, and of what is built from it
	held           limit.Reservation // of the response
	room           int64             // bytes of the last part of a stream
}

// largeBody is the size, in bytes, from which bodies are decoded a few at a time.
const largeBody = 256 << 10

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
	a.held = f.Responses.Open(a.Principal.Account(), a.Principal.Share)
	a.options.Room = firstRoom{a}
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
// The bytes of the body count until [Admitted.Release].
//
// A small response does not count where it has a connection of its own. By
// HTTP/2 one connection has many streams, whose client may read none of them
// (RFC 9113 section 10.5): there every response counts.
func (a *Admitted) Enter(ctx context.Context, w http.ResponseWriter, r *http.Request, hasBody, waits bool) (body []byte, err error) {
	if r.ProtoMajor > 1 {
		a.held.CountSmall()
	}
	if hasBody {
		if body, a.body, err = a.front.Bodies.Read(w, r, a.Principal); err != nil {
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
	return body, err
}

// Decode calls decode, which decodes a body of size bytes. Large ones wait until
// few enough others are decoded, or ctx ends.
func (a *Admitted) Decode(ctx context.Context, size int, decode func() error) error {
	if size >= largeBody {
		select {
		case a.front.Decoding <- struct{}{}:
			defer func() { <-a.front.Decoding }()
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return upstream.Canceled(ctx, ctx.Err())
			}
			return ctx.Err()
		}
	}
	return decode()
}

// ReserveMessage counts the bytes of the message that was built from the body,
// where it is larger than what the body counts as.
func (a *Admitted) ReserveMessage(ctx context.Context, bytes int) error {
	more := int64(bytes) - a.body.Bytes()
	if more <= 0 || a.body.Bytes() == 0 { // without a body it is as small as the request's head
		return nil
	}
	return a.body.Grow(ctx, more)
}

// AcquireWait takes a slot for a wait. It comes before the request has any
// effect, so that one that finds no slot can be repeated.
func (a *Admitted) AcquireWait(ctx context.Context) (err error) {
	a.waitSlot, err = a.front.Waits.Acquire(ctx, a.Principal.Account(), a.Principal.Share)
	return err
}

// TakeWait hands the slot of a wait over to the caller, which releases it.
func (a *Admitted) TakeWait() limit.Slot { return a.waitSlot.Take() }

// Release releases the slot and the bytes of the body and writes the audit line,
// as a request does that has made its call: its wait, or the writing of its
// response, is still to come.
func (a *Admitted) Release(ctx context.Context) {
	a.ReleaseSlot(ctx)
	a.body.Release()
}

// ReleaseSlot is [Admitted.Release] for a request that may make its call again
// while it waits: its body still counts.
func (a *Admitted) ReleaseSlot(ctx context.Context) {
	a.slot.Release()
	a.front.Upstream.WriteTrail(ctx, a.Principal, a.options.Trail)
}

// Reject is [Admitted.Release] for a request that ends with err. Its audit line
// says so unless a call has been made.
func (a *Admitted) Reject(ctx context.Context, err error) {
	a.front.Upstream.RejectTrail(ctx, a.Principal, a.options.Trail, a.method, a.options.Namespace, err)
	a.slot.Release()
	a.body.Release()
}

// Close releases all that the request holds.
func (a *Admitted) Close() {
	a.slot.Release()
	a.waitSlot.Release()
	a.body.Release()
	a.held.Release()
}

// Reserve makes the bytes of the response count, as many as are given, until
// [Admitted.Close]. It comes before they are made, by an estimate, and again when
// their number is known, and before the slot is released: at most as many
// responses wait for room as there are slots. Errors are those of
// [limit.Bytes.Reserve]; after a write they say that the call was made, since the
// other rejections of that kind come before it.
func (a *Admitted) Reserve(ctx context.Context, bytes int) error {
	a.room = int64(bytes)
	err := a.reserve(ctx, a.room)
	if e, is := errors.AsType[*problem.Error](err); is && !a.IsRead() {
		e.Detail += " The call was made; repeat it with the same id or Idempotency-Key to get its response."
	}
	return err
}

func (a *Admitted) reserve(ctx context.Context, bytes int64) error {
	if more := bytes - a.held.Bytes(); more > 0 {
		return a.held.Grow(ctx, more)
	}
	a.held.Fit(bytes) // less than before always fits
	return nil
}

// ReleaseBytes releases the bytes of the response, before [Admitted.Close].
func (a *Admitted) ReleaseBytes() { a.held.Release() }

// ReserveNext releases the bytes of the part that was written, and counts those
// of the next one, which is there already.
func (a *Admitted) ReserveNext(ctx context.Context, bytes int) error {
	a.held.Release()
	return a.held.Resume(ctx, int64(bytes))
}

// Next fetches the next page of a response that has begun, in a slot of its own:
// the request's was released when the response began, because a slow reader must
// not hold one, and without a slot a caller's streams would have no bound. As many
// bytes as the last page had are reserved before, and a larger page is not
// received. If it has no room yet, its slot is released, and it is fetched again
// when it has: what waits holds neither bytes nor a slot.
func (a *Admitted) Next(ctx context.Context, fetch func(context.Context) (upstream.Response, error)) (upstream.Response, error) {
	options := upstream.CallFrom(ctx)
	options.Room = nextRoom{a}
	fetching := upstream.NewContext(ctx, &options)
	for {
		a.held.Release()
		if err := a.held.Resume(ctx, a.room); err != nil {
			return upstream.Response{}, err
		}
		var page upstream.Response
		err := a.InSlot(ctx, func() (err error) {
			page, err = fetch(fetching)
			return err
		})
		switch {
		case errors.Is(err, errNoRoom):
			continue
		case err != nil:
			return page, err
		}
		a.room = int64(len(page.Bytes()))
		if a.held.Fit(a.room) {
			return page, nil
		}
		page.Release()
	}
}

// firstRoom is the room of a request's responses before its own response begins.
type firstRoom struct{ *Admitted }

// Reserved implements [upstream.Room].
func (r firstRoom) Reserved() int { return int(r.held.Bytes()) }

// Reserve implements [upstream.Room]. It waits as [Admitted.Reserve] does, and then for the slots of a large response.
func (r firstRoom) Reserve(ctx context.Context, bytes int) error {
	if err := r.reserve(ctx, int64(bytes)); err != nil {
		return err
	}
	return r.slot.Widen(ctx, slotsFor(int64(bytes)))
}

// slotBytes is the size of a response, in bytes, up to which a read uses one slot. The work of a read, here and in the
// Temporal server, grows with its response: without this, the callers of a few large reads would use all processors
// within the same limit.
const slotBytes = 4 << 20

func slotsFor(bytes int64) int { return int(max(1, (bytes+slotBytes-1)/slotBytes)) }

// nextRoom is the room of the next page of a stream.
type nextRoom struct{ *Admitted }

// Reserved implements [upstream.Room].
func (r nextRoom) Reserved() int { return int(r.held.Bytes()) }

// Reserve implements [upstream.Room]. It does not wait, because the caller holds
// a slot, and notes for [Admitted.Next] what the page takes.
func (r nextRoom) Reserve(_ context.Context, bytes int) error {
	r.room = int64(bytes)
	if r.held.Fit(r.room) {
		return nil
	}
	return errNoRoom
}

var errNoRoom = errors.New("the next page has no room yet")

// InSlot calls do in slots of its own, for a response that has begun: as many as the last page needed. It waits for them
// until ctx ends.
func (a *Admitted) InSlot(ctx context.Context, do func() error) error {
	slot, err := a.front.Reads.Resume(ctx, a.Principal.Account(), a.Principal.Share, slotsFor(a.room))
	if err != nil {
		return err
	}
	defer slot.Release()
	return do()
}
