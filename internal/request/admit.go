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

// Front performs the steps that all doors have in common, before the call to the
// Temporal server and before the response is written. The doors share one Front, so
// that each limit applies to all of them together.
type Front struct {
	Upstream *upstream.Client
	// Bodies reads the bodies of requests.
	Bodies *Bodies
	// Decoding is a semaphore. Its capacity is the number of large bodies that may be
	// decoded at the same time, because decoding a body may need many times its size in
	// memory.
	Decoding chan struct{}
	// Reads, Writes, Waits and Polls limit the requests in flight, by kind.
	Reads, Writes, Waits, Polls *limit.Pool
	// Responses limits the memory for responses that are not written yet, in bytes.
	Responses *limit.Bytes
	// CallerMetadata are the metadata keys that every caller may send.
	CallerMetadata []string
}

// Operation describes a request before its header and body are read.
type Operation struct {
	// Method is the full name of the RPC that the caller must be permitted to call.
	Method string
	// Namespace is the namespace in the path.
	Namespace string
	// NamespaceInMessage means that the namespace is in the body and not in the
	// path. The door calls [Admitted.SetNamespace] after it has read the body.
	NamespaceInMessage bool
	// AnyGrant permits every caller that has a grant on the namespace. It is for a request
	// that makes no call, and shows the caller nothing but its own settings.
	AnyGrant bool
	// RejectDelegatedTokens rejects the bearers of delegated tokens. A door sets it if it
	// passes on the server's page tokens without a seal: with a page token of another
	// run, a bearer could read that run.
	RejectDelegatedTokens bool
	// DropMetadata drops metadata keys that are not allowed. Otherwise they are an
	// error, because the caller would rely on them.
	DropMetadata bool
	// Timeout is the timeout of each call if the caller sets none. Zero means the
	// default of [upstream.Client].
	Timeout time.Duration
	// Retry and Features are passed to [upstream.CallOptions].
	Retry, Features bool
}

// authorize returns an error if the principal may not make the request in its namespace.
func (op *Operation) authorize(p *auth.Principal) error {
	if op.AnyGrant {
		return p.AuthorizeInternal(op.Method, op.Namespace)
	}
	return p.Authorize(op.Method, op.Namespace)
}

// Admitted is a request that was admitted. It owns the slots and the audit line of the
// request, and the memory reserved for the body and the response. It is not safe for
// concurrent use.
type Admitted struct {
	Principal *auth.Principal

	front   *Front
	method  string
	access  auth.Access
	options upstream.CallOptions

	slot, waitSlot limit.Slot
	body           limit.Reservation // for the body and the message that is built from it
	response       limit.Reservation
	pageBytes      int64 // the size of the last response, or of the last page of a stream
}

// largeBody is the minimum size, in bytes, of a body for which [Front.Decoding]
// applies.
const largeBody = 256 << 10

// Admit authorises a request and reads its deadline and its metadata. It authorises
// first, so that a caller without access gets no error about the rest of the request.
// The returned context carries the options of upstream calls. The caller must close
// the returned Admitted. If Admit rejects the request, it writes the audit line.
// Errors are [problem.Error]s.
func (f *Front) Admit(ctx context.Context, h http.Header, op Operation) (context.Context, *Admitted, error) {
	a := &Admitted{front: f, method: op.Method}
	a.Principal, _ = auth.PrincipalFrom(ctx)
	a.access, _ = auth.AccessOf(op.Method)
	a.options = upstream.CallOptions{Namespace: op.Namespace, Retry: op.Retry, Features: op.Features, Trail: &upstream.Trail{}}
	ctx = upstream.WithOptions(ctx, &a.options)
	if err := a.admit(ctx, h, op); err != nil {
		return ctx, nil, a.Reject(ctx, err)
	}
	a.response = f.Responses.Open(a.Principal.Account(), a.Principal.Share)
	a.options.Memory = responseMemory{a}
	return ctx, a, nil
}

func (a *Admitted) admit(ctx context.Context, h http.Header, op Operation) error {
	if op.RejectDelegatedTokens && a.Principal != nil && a.Principal.Capability != nil {
		return problem.New(problem.OperationForbidden, "A delegated token is for the client API, under /v1.")
	}
	if op.NamespaceInMessage {
		// The namespace is not known yet. But a caller that may not call the method in any
		// namespace must not acquire a slot.
		if err := a.Principal.AuthorizeInAnyNamespace(op.Method); err != nil {
			return err
		}
	} else {
		if err := op.authorize(a.Principal); err != nil {
			return err
		}
		if err := CheckNamespace(op.Namespace); err != nil {
			return err
		}
		telemetry.FromContext(ctx).SetNamespace(op.Namespace) // only if authorised: another name can be any text
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

// AuthorizeCall returns an error if the caller may not call a method in the request's namespace.
// It is for a request that makes several calls, before the first one.
func (a *Admitted) AuthorizeCall(method string) error {
	return a.Principal.Authorize(method, a.options.Namespace)
}

// AllowedMetadata returns the metadata keys that the caller may send.
func (a *Admitted) AllowedMetadata() Keys { return Allowed(a.front.CallerMetadata, a.Principal) }

// SetNamespace sets the namespace that the body names. [upstream.Client.Invoke]
// authorises it.
func (a *Admitted) SetNamespace(ctx context.Context, namespace string) {
	a.options.Namespace = namespace
	if a.Principal.Authorize(a.method, namespace) == nil {
		telemetry.FromContext(ctx).SetNamespace(namespace) // only if authorised: another name can be any text
	}
}

// IsRead reports whether the request changes nothing.
func (a *Admitted) IsRead() bool { return a.access.Role <= auth.RoleRead }

// ReadBodyAndAcquireSlot reads the body, if hasBody is set. It then acquires a slot, from the pool for
// waits if waits is set. It acquires the slot last, so that a body that arrives slowly
// does not occupy one. The memory for the body stays reserved until [Admitted.Release].
//
// Over HTTP/1, small responses do not count against [Front.Responses]. Over HTTP/2 all
// do, because a client can open many streams on one connection and read none of them
// (RFC 9113 section 10.5).
func (a *Admitted) ReadBodyAndAcquireSlot(ctx context.Context, w http.ResponseWriter, r *http.Request, hasBody, waits bool) (body []byte, err error) {
	if r.ProtoMajor > 1 {
		a.response.CountSmall()
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

// Decode calls decode, which decodes a body of size bytes. For a large body it first
// waits for the semaphore [Front.Decoding], at most until ctx ends.
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

// ReserveMessage increases the reservation for the body to the given size of the
// message that was built from it, if the message is larger.
func (a *Admitted) ReserveMessage(ctx context.Context, bytes int) error {
	more := int64(bytes) - a.body.Bytes()
	if more <= 0 || a.body.Bytes() == 0 { // without a body, the message is built from the URL and so is small
		return nil
	}
	return a.body.Grow(ctx, more)
}

// AcquireWait acquires a slot for a wait. Call it before the request has any effect, so
// that the client can safely repeat a request that gets no slot.
func (a *Admitted) AcquireWait(ctx context.Context) (err error) {
	a.waitSlot, err = a.front.Waits.Acquire(ctx, a.Principal.Account(), a.Principal.Share)
	return err
}

// AcquirePoll is [Admitted.AcquireWait] for a poll for tasks. A poll is not a wait that
// others can share: each is a call of the Temporal server in flight.
func (a *Admitted) AcquirePoll(ctx context.Context) (err error) {
	a.waitSlot, err = a.front.Polls.Acquire(ctx, a.Principal.Account(), a.Principal.Share)
	return err
}

// TakeWait transfers the slot for the wait or the poll to the caller of TakeWait, which
// must release it.
func (a *Admitted) TakeWait() limit.Slot { return a.waitSlot.Take() }

// Release releases the slot and the memory for the body, and writes the audit line.
// Call it after the call to the Temporal server, before the request waits or writes its
// response.
func (a *Admitted) Release(ctx context.Context) {
	a.ReleaseSlot(ctx)
	a.body.Release()
}

// ReleaseSlot is like [Admitted.Release], but keeps the memory for the body. It is for a
// request that may repeat its call while it waits, and so still needs the body.
func (a *Admitted) ReleaseSlot(ctx context.Context) {
	a.slot.Release()
	a.front.Upstream.WriteTrail(ctx, a.Principal, a.options.Trail)
}

// Reject is like [Admitted.Release], for a request that fails with err. The audit line
// has this error unless the request has made a call that writes. Reject returns the error
// for the response, which differs from err if such a call may have taken effect.
func (a *Admitted) Reject(ctx context.Context, err error) error {
	a.front.Upstream.RejectTrail(ctx, a.Principal, a.options.Trail, a.method, a.options.Namespace, err)
	a.slot.Release()
	a.body.Release()
	if a.options.Trail.MayHaveTakenEffect() {
		return problem.AfterWrite(err)
	}
	return err
}

// Close releases all slots and reservations of the request.
func (a *Admitted) Close() {
	a.slot.Release()
	a.waitSlot.Release()
	a.body.Release()
	a.response.Release()
}

// Reserve reserves memory for the response until [Admitted.Close]. Call it with an
// estimate before the response is built, and again when its size is known. Call it
// before the slot is released, so that the slots limit the number of responses that
// wait for memory.
//
// Errors are those of [limit.Bytes.Reserve]. After a call that writes, the detail says that
// the call was made: other steps return the same errors before the call.
func (a *Admitted) Reserve(ctx context.Context, bytes int) error {
	a.pageBytes = int64(bytes)
	err := a.reserve(ctx, a.pageBytes)
	if e, ok := errors.AsType[*problem.Error](err); ok && a.options.Trail.HasCall() {
		e.Detail += " The call was made; repeat it with the same id or Idempotency-Key to get its response."
	}
	return err
}

func (a *Admitted) reserve(ctx context.Context, bytes int64) error {
	if more := bytes - a.response.Bytes(); more > 0 {
		return a.response.Grow(ctx, more)
	}
	a.response.Fit(bytes) // always succeeds, because the reservation does not grow
	return nil
}

// ReleaseResponse releases the memory for the response early, before [Admitted.Close].
func (a *Admitted) ReleaseResponse() { a.response.Release() }

// ReserveNextPart releases the memory for the part of the response that was written, and
// reserves memory for the next part, which has already been received.
func (a *Admitted) ReserveNextPart(ctx context.Context, bytes int) error {
	a.response.Release()
	return a.response.Resume(ctx, int64(bytes))
}

// FetchPage fetches the next page of a streamed response. The slot of the request was
// released when the response began, because a slow reader must not hold one. So FetchPage
// acquires a slot for each page, which limits the calls that all streams of a caller
// make at the same time.
//
// Before it calls fetch, FetchPage reserves memory for a page of the size of the last one.
// If the page is larger and more memory cannot be reserved at once, the page is not
// received. FetchPage then releases the slot and the memory, waits for enough memory and
// fetches the page again: a stream that waits holds neither.
func (a *Admitted) FetchPage(ctx context.Context, fetch func(context.Context) (upstream.Response, error)) (upstream.Response, error) {
	options := upstream.OptionsFrom(ctx)
	options.Memory = pageMemory{a}
	fetchCtx := upstream.WithOptions(ctx, &options)
	for {
		a.response.Release()
		if err := a.response.Resume(ctx, a.pageBytes); err != nil {
			return upstream.Response{}, err
		}
		var page upstream.Response
		err := a.WithSlot(ctx, func() (err error) {
			page, err = fetch(fetchCtx)
			return err
		})
		switch {
		case errors.Is(err, errNoMemory):
			continue
		case err != nil:
			return page, err
		}
		a.pageBytes = int64(len(page.Bytes()))
		if a.response.Fit(a.pageBytes) {
			return page, nil
		}
		page.Release()
	}
}

// responseMemory reserves memory for the responses to calls that are made before the
// response to the client begins.
type responseMemory struct{ *Admitted }

// Reserved implements [upstream.MemoryReserver].
func (r responseMemory) Reserved() int { return int(r.response.Bytes()) }

// Reserve implements [upstream.MemoryReserver]. It waits for memory as [Admitted.Reserve]
// does, and then for the slots that a large response needs.
func (r responseMemory) Reserve(ctx context.Context, bytes int) error {
	if err := r.reserve(ctx, int64(bytes)); err != nil {
		return err
	}
	return r.slot.Widen(ctx, slotsFor(int64(bytes)))
}

// slotBytes is the size of a response, in bytes, for which a read needs one slot; a larger response needs several. The
// work for a read, here and in the Temporal server, grows with the size of its response: if every read held one slot, a
// few large reads could use all processors while most slots are free.
const slotBytes = 4 << 20

func slotsFor(bytes int64) int { return int(max(1, (bytes+slotBytes-1)/slotBytes)) }

// pageMemory reserves memory for the next page of a stream.
type pageMemory struct{ *Admitted }

// Reserved implements [upstream.MemoryReserver].
func (r pageMemory) Reserved() int { return int(r.response.Bytes()) }

// Reserve implements [upstream.MemoryReserver]. It does not wait, because the stream holds a
// slot. It stores the size of the page for [Admitted.FetchPage].
func (r pageMemory) Reserve(_ context.Context, bytes int) error {
	r.pageBytes = int64(bytes)
	if r.response.Fit(r.pageBytes) {
		return nil
	}
	return errNoMemory
}

var errNoMemory = errors.New("there is not enough memory for the next page yet")

// WithSlot acquires as many slots as the last page needs, and holds them while it calls
// do. It is for a response that has begun and can no longer be rejected, so it waits for
// the slots until ctx ends.
func (a *Admitted) WithSlot(ctx context.Context, do func() error) error {
	slot, err := a.front.Reads.Resume(ctx, a.Principal.Account(), a.Principal.Share, slotsFor(a.pageBytes))
	if err != nil {
		return err
	}
	defer slot.Release()
	return do()
}
