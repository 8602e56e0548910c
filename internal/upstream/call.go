package upstream

import (
	"context"
	"time"

	"google.golang.org/grpc/metadata"
)

// CallOptions is what a door asks of the corridor for one request, beside the method
// and the message. It travels in the request's context.
type CallOptions struct {
	// Namespace is the one that the request names, by its path. The chain
	// authorises it and holds the message against it.
	Namespace string
	// Timeout is the deadline of each attempt, the SDK's rpc_timeout; zero
	// takes the configured default. It is clamped to the configured maximum.
	Timeout time.Duration
	// Metadata is what the caller sends along, its keys already allowed.
	Metadata metadata.MD
	// Retry lets calls that are safe to repeat be repeated. Doors whose
	// clients have retry rules of their own leave it off.
	Retry bool
	// Features announces that the door reads the true close event of a run
	// that has a successor ("follows-next-run-id"), where the server would
	// otherwise rewrite it for old clients.
	Features bool

	// Trail collects the audit line of the operation that the calls belong to. Nil
	// means that each call has a line of its own.
	Trail *Trail
	// Room is the memory for responses to calls that only read. Nil means that
	// responses up to the configured maximum are received at once, as polls do that
	// callers share.
	Room Room
}

// Room is the memory for the responses of one request. It is used by one
// goroutine at a time.
type Room interface {
	// Reserved returns how many bytes are reserved.
	Reserved() int
	// Reserve reserves room for a response of so many bytes, in all.
	// [Client.Invoke] returns its errors as they are.
	Reserve(ctx context.Context, bytes int) error
}

type callKey struct{}

// NewContext gives a context whose calls are made as call says.
func NewContext(ctx context.Context, call *CallOptions) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// CallFrom gives a copy of the context's call; without one, a call in no
// namespace.
func CallFrom(ctx context.Context) CallOptions { return *callFrom(ctx) }

func callFrom(ctx context.Context) *CallOptions {
	if call, ok := ctx.Value(callKey{}).(*CallOptions); ok {
		return call
	}
	return &CallOptions{}
}
