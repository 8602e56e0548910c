package operation

import "context"

// Spec describes an operation to the adapter.
type Spec struct {
	// Name is the operationId in api/openapi.yaml.
	Name string
	// Method is the full name of the RPC that determines the access that a caller
	// needs.
	Method string
	// Namespace is the path parameter.
	Namespace string
	// Body reports whether the request has a body.
	Body BodyRule
	// Handle names the workflow of an operation on one workflow. Otherwise it is nil.
	Handle *Handle
	// ChecksChain is set if the RPC itself rejects a run chain other than the
	// handle's.
	ChecksChain bool
	// Authorize rejects a caller that may use the method and not this operation. It
	// runs before the body is read, and is nil if access to the method suffices.
	Authorize func(ctx context.Context, req *Request) error
	// MediaTypes are those of the response, the preferred one first. Nil means JSON.
	MediaTypes []string
}

// None is the type of the query parameters, or of the body, of an operation that has
// none.
type None struct{}

// BodyRule is whether an operation has a request body.
type BodyRule uint8

// The rules for request bodies.
const (
	BodyNone BodyRule = iota
	BodyOptional
	BodyRequired
)
