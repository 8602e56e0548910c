package operation

import "context"

// Spec describes an operation to the adapter.
type Spec struct {
	// Name is the operationId in api/openapi.yaml.
	Name string
	// Method is the full name of the RPC whose entry in the access table applies.
	Method string
	// Namespace is the path parameter. It is empty for an operation on the cluster.
	Namespace string
	// NamespaceInBody means that the body names the namespace, and the path does not. The
	// operation calls [request.Admitted.SetNamespace] before it calls the server.
	NamespaceInBody bool
	// Body is whether the request has a body.
	Body BodyRule
	// MergePatch is set if the body is a JSON Merge Patch, which also has a media type of
	// its own.
	MergePatch bool
	// Handle identifies the workflow. It is nil unless the operation is on one workflow.
	Handle *Handle
	// RPCChecksChain is set if the RPC itself checks the run chain of the handle.
	RPCChecksChain bool
	// Authorize rejects a caller that has access to Method but not to this operation. It
	// runs before the body is read, and is nil if access to Method suffices.
	Authorize func(ctx context.Context, req *Request) error
	// AnyGrant is set for an operation that makes no call and shows nothing of the namespace: any
	// grant on it suffices, instead of the access to Method.
	AnyGrant bool
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
