package upstream

import (
	"context"
	"time"

	"google.golang.org/grpc/metadata"
)

// CallOptions apply to all calls to the Temporal server that one HTTP request makes.
// They travel in the context of the HTTP request.
type CallOptions struct {
	// Namespace is the namespace that the HTTP request names. [Client.Invoke]
	// authorises it and rejects messages that name another one.
	Namespace string
	// Timeout is the timeout of each attempt, like rpc_timeout in the SDKs. Zero
	// means the configured default. The configured maximum caps it.
	Timeout time.Duration
	// Grace is how much longer than Timeout the gateway waits for the response. The
	// server knows only Timeout. With a Grace, a response that the server sends at the
	// last moment is not lost.
	Grace time.Duration
	// Metadata is the caller's metadata. Its keys have been checked.
	Metadata metadata.MD
	// Retry permits retries of calls that are safe to repeat. Doors whose
	// clients retry by themselves do not set it.
	Retry bool
	// Features sends the feature "follows-next-run-id" to the server: the door
	// can follow a closed run to its next run. Without it, the server rewrites
	// the close event of such a run for old clients.
	Features bool

	// Internal marks reads that the gateway makes for its own checks, and whose responses it
	// does not pass on. The principal needs only some grant on the namespace for them, so
	// that an operation needs no other grant than that for its own RPC.
	Internal bool

	// Trail collects one audit line for all calls. If it is nil, each call writes
	// a separate line.
	Trail *Trail
	// Memory reserves memory for the responses to read calls. If it is nil, responses
	// up to the configured maximum size are received without a reservation, as
	// for shared polls.
	Memory MemoryReserver
}

// MemoryReserver reserves memory for the responses to the calls of one HTTP request. It need not
// be safe for concurrent use.
type MemoryReserver interface {
	// Reserved returns how many bytes are reserved.
	Reserved() int
	// Reserve increases the reservation to the given total of bytes.
	// [Client.Invoke] returns its errors unchanged.
	Reserve(ctx context.Context, bytes int) error
}

type optionsKey struct{}

// WithOptions returns a context that carries options for the calls made with it.
func WithOptions(ctx context.Context, options *CallOptions) context.Context {
	return context.WithValue(ctx, optionsKey{}, options)
}

// OptionsFrom returns a copy of the options in the context, or the zero value if there
// are none.
func OptionsFrom(ctx context.Context) CallOptions { return *optionsFrom(ctx) }

// WithInternal returns a context for reads that the gateway makes for its own checks; see
// [CallOptions.Internal].
func WithInternal(ctx context.Context) context.Context {
	options := OptionsFrom(ctx)
	options.Internal = true
	return WithOptions(ctx, &options)
}

func optionsFrom(ctx context.Context) *CallOptions {
	if options, ok := ctx.Value(optionsKey{}).(*CallOptions); ok {
		return options
	}
	return &CallOptions{}
}
