package temporalhttp

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Alteration changes a binding so that it is wrong. It returns false if the binding
// cannot be changed in this way.
type Alteration func(*binding) bool

// Alterations are the ways to change a binding, by description.
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
		if of, ok := method.(protoreflect.MethodDescriptor); b.body || err != nil || !ok || of.Input().Fields().Len() <= len(b.variables) {
			return false // the query may be empty
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

// Alter changes the binding of a route until undo is called. It must not be called
// while a request is served.
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
