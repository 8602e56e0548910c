package upstream

import (
	"context"
	"time"

	"google.golang.org/grpc/metadata"
)

// CallOptions are the options of the calls of one request. They travel in the
// context of the request.
type CallOptions struct {
	// Namespace is the namespace in the path of the request. [Client.Invoke]
	// authorises it and rejects messages that name another one.
	Namespace string
	// Timeout is the timeout of each attempt, as rpc_timeout of the SDKs. Zero
	// means the configured default. It is limited to the configured maximum.
	Timeout time.Duration
	// Metadata is the caller's metadata. Its keys have been checked.
	Metadata metadata.MD
	// Retry permits retries of calls that are safe to repeat. Doors whose
	// clients have retry rules of their own do not set it.
	Retry bool
	// Features announces that the door reads the true close event of a run
	// that has a successor ("follows-next-run-id"), where the server would
	// otherwise rewrite it for old clients.
	Features bool

	// Trail collects the audit line of the operation that the calls belong to. Nil
	// means that each call has a line of its own.
	Trail *Trail
	// Room is the memory for responses to calls that only read. If it is nil,
	// responses up to the configured maximum are received without a reservation;
	// shared polls use that.
	Room Room
}

// Room is the memory for the responses of one request. It is used by one
// goroutine at a time.
type Room interface {
	// Reserved returns how many bytes are reserved.
	Reserved() int
	// Reserve increases the reservation to the given total of bytes.
	// [Client.Invoke] returns its errors unchanged.
	Reserve(ctx context.Context, bytes int) error
}

type callKey struct{}

// NewContext returns a context that carries the options of its calls.
func NewContext(ctx context.Context, call *CallOptions) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// CallFrom returns a copy of the options in the context. Without options, the
// namespace is empty.
func CallFrom(ctx context.Context) CallOptions { return *callFrom(ctx) }

func callFrom(ctx context.Context) *CallOptions {
	if call, ok := ctx.Value(callKey{}).(*CallOptions); ok {
		return call
	}
	return &CallOptions{}
}
