package temporalhttp

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Alteration makes a binding wrong. It returns false if it does not apply to the binding.
type Alteration func(*binding) bool

// Alterations maps a description of each alteration to its function.
//
//nolint:gochecknoglobals // an immutable table
var Alterations = map[string]Alteration{
	"another method is called": func(b *binding) bool {
		const namespaces, cluster = "/temporal.api.workflowservice.v1.WorkflowService/ListNamespaces",
			"/temporal.api.workflowservice.v1.WorkflowService/GetClusterInfo"
		if b.method == namespaces {
			b.method = cluster
		} else {
			b.method = namespaces
		}
		return true
	},
	"the body is read as a query": func(b *binding) bool {
		hasBody := b.body
		b.body = false
		return hasBody
	},
	"the query is not read": func(b *binding) bool {
		method, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(b.method[1:], "/", ".")))
		if d, ok := method.(protoreflect.MethodDescriptor); b.body || err != nil || !ok || d.Input().Fields().Len() <= len(b.variables) {
			return false // the binding has a body, or the path sets all fields, so there is nothing to read from the query
		}
		b.body = true
		return true
	},
	"a variable is dropped": func(b *binding) bool {
		if len(b.variables) == 0 {
			return false
		}
		b.variables = b.variables[:len(b.variables)-1]
		return true
	},
	"two variables are swapped": func(b *binding) bool {
		last := len(b.variables) - 1
		if last < 1 {
			return false
		}
		b.variables = slices.Clone(b.variables)
		b.variables[last].field, b.variables[last-1].field = b.variables[last-1].field, b.variables[last].field
		return true
	},
	"the identity is not set": func(b *binding) bool {
		hasIdentity := len(b.identities) > 0
		b.identities = nil
		return hasIdentity
	},
}

// Alter applies an alteration to the binding of a route; undo reverts it. Neither may be
// called while the API serves a request.
func (a *API) Alter(verb, pattern string, alteration Alteration) (undo func(), ok bool) {
	for _, b := range a.bindings {
		if b.verb != verb || b.pattern != pattern {
			continue
		}
		before := *b
		if !alteration(b) {
			*b = before
			return nil, false
		}
		return func() { *b = before }, true
	}
	return nil, false
}
