package inspect

import (
	"github.com/flowgate/flowgate/internal/auth"
)

// Method is one RPC, compiled. The zero value is an RPC that is not known.
type Method struct {
	fullMethod string
	access     auth.Access
	// always is the guard of every caller's requests, limits the guard of
	// requests of limited callers, and response the guard of responses.
	always, limits, response guard
	// starts classifies the RPC, for limited callers.
	starts starting
	// resource is the path of the id that a request names.
	resource path
	// target is where a request names what delegated tokens are limited to. It
	// is nil for RPCs that no delegated token permits.
	target *target
}

// Compile compiles every RPC of the linked API, by full method name.
func Compile() map[string]Method {
	always, limits, responses := newGuards(requestMarks), newGuards(limitMarks), newGuards(responseMarks)
	starts, targets := startings(), targetPaths()
	compiled := map[string]Method{}
	for rpc := range auth.Methods() {
		name := auth.FullMethod(rpc)
		access, _ := auth.AccessOf(name)
		compiled[name] = Method{
			fullMethod: name, access: access,
			always: always.compile(rpc.Input()), limits: limits.compile(rpc.Input()), response: responses.compile(rpc.Output()),
			starts: starts[name], resource: resourceOf(rpc.Input()), target: targets[name].compile(rpc.Input()),
		}
	}
	return compiled
}

// Check rejects a request that names a namespace other than the given one, or
// something that the principal may not use: by its limits, by its right to attach
// completion callbacks, or by its capability. Errors are [problem.Error]s.
//
// It does not decide whether the principal may call the RPC at all: that is
// [auth.Principal.Authorize].
func (m Method) Check(principal *auth.Principal, namespace string, request []byte) error {
	applied, in := m.always, inspection{namespace: namespace, callbacks: principal.CompletionCallbacks}
	if m.access.Role > auth.RoleRead && principal.Limited() {
		if err := m.checkStart(request); err != nil {
			return err
		}
		applied = m.limits
		in.types, in.queues, in.endpoints = principal.WorkflowTypes, principal.TaskQueues, principal.NexusEndpoints
	}
	if m.access.Scope == auth.ScopeNamespace {
		if err := applied.check(request, &in); err != nil {
			return err
		}
	}
	if principal.Capability != nil && m.access.Scope != auth.ScopeOpen {
		return m.target.check(principal.Capability, request)
	}
	return nil
}

// RenameRequest returns the request with the namespace from renamed to to, wherever
// it is named. It is for a namespace that has another name on its server.
func (m Method) RenameRequest(request []byte, from, to string) []byte {
	return m.always.rename(request, from, to)
}

// RenameResponse is [Method.RenameRequest] for a response.
func (m Method) RenameResponse(response []byte, from, to string) []byte {
	return m.response.rename(response, from, to)
}

// Resource returns the id of what a request is about, such as the workflow id. It
// is empty if the request names none.
func (m Method) Resource(request []byte) string { return m.resource.last(request) }
