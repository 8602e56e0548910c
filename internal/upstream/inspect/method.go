package inspect

import (
	"github.com/flowgate/flowgate/internal/auth"
)

// Method holds the compiled checks of one RPC. The zero value stands for an unknown RPC.
type Method struct {
	fullMethod string
	access     auth.Access
	// always is the guard for requests, limits the stricter guard for writes of
	// limited callers, system the guard for callers whose grants name operations, and response
	// the guard for responses.
	always, limits, system, response guard
	// starts classifies the RPC by the work that it can start.
	starts startClass
	// needs returns the operations that a request needs beside those of the access table. It
	// is nil if there are none.
	needs operationsOf
	// resource is the path to the id that a request is about, and taskToken the path to
	// its task token.
	resource, taskToken path
	// target has the paths to what delegated tokens are limited to, such as the
	// workflow id. It is nil for RPCs that no delegated token permits.
	target *target
}

// Compile compiles every RPC of the linked API, by full method name.
func Compile() map[string]Method {
	always, limits, responses := newGuards(requestMarks), newGuards(limitMarks), newGuards(responseMarks)
	system := newGuards(systemMarks)
	starts, targets, needs := startClasses(), targetFields(), requestOperations()
	compiled := map[string]Method{}
	for rpc := range auth.Methods() {
		name := auth.FullMethod(rpc)
		access, _ := auth.AccessOf(name)
		compiled[name] = Method{
			fullMethod: name, access: access,
			always: always.compile(rpc.Input()), limits: limits.compile(rpc.Input()),
			system: system.compile(rpc.Input()), response: responses.compile(rpc.Output()),
			starts: starts[name], needs: needs[name],
			resource: resourceOf(rpc.Input()), taskToken: taskTokenOf(rpc.Input()), target: targets[name].compile(rpc.Input()),
		}
	}
	return compiled
}

// Check rejects a request that names a namespace other than the given one. It also
// rejects a request that uses something that the principal's limits or capability
// exclude, a completion callback that the principal may not attach, or work that needs
// operations which the principal's grants do not contain. Errors are [problem.Error]s.
//
// It does not decide whether the principal may call the RPC at all: that is
// [auth.Principal.Authorize].
func (m Method) Check(principal *auth.Principal, namespace string, request []byte) error {
	if err := m.checkOperations(principal, namespace, request); err != nil {
		return err
	}
	g, in := m.always, inspection{namespace: namespace, callbacks: principal.CompletionCallbacks}
	if m.access.Role > auth.RoleRead && principal.Limited() {
		if err := m.checkStart(principal, request); err != nil {
			return err
		}
		g = m.limits
		in.types, in.queues, in.endpoints = principal.WorkflowTypes, principal.TaskQueues, principal.NexusEndpoints
	}
	if m.access.Scope == auth.ScopeNamespace {
		if err := g.check(request, &in); err != nil {
			return err
		}
	}
	if principal.Capability != nil && m.access.Scope != auth.ScopeNone {
		return m.target.check(principal.Capability, request)
	}
	return nil
}

// RenameRequest returns a copy of the request in which every field that names the
// namespace oldName names newName instead. It is for a namespace that has another name on
// its server than in the gateway.
func (m Method) RenameRequest(request []byte, oldName, newName string) []byte {
	return m.always.rename(request, oldName, newName)
}

// RenameResponse is like [Method.RenameRequest], for a response.
func (m Method) RenameResponse(response []byte, oldName, newName string) []byte {
	return m.response.rename(response, oldName, newName)
}

// Resource returns the id of what a request is about, such as the workflow id. It
// is empty if the request names none.
func (m Method) Resource(request []byte) (id string) {
	if id = m.resource.last(request); id != "" {
		return id
	}
	_ = m.taskToken.each(request, func(token []byte) { id = TaskResource(token) })
	return id
}
