package upstream

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/problem"
)

// maxDepth is protobuf's own limit for nested messages.
const maxDepth = 100

// guard is, for one message type, where namespaces stand in its wire form.
// Fields that lead to none are absent and skipped unread.
type guard map[protowire.Number]guardField

type guardField struct {
	namespace bool  // the field names a namespace
	refused   bool  // the field names one by its internal id, past the guard
	message   guard // the field is a message that may hold one
}

// guards compiles the guards of message types, once each.
type guards map[protoreflect.FullName]guard

// compile gives d's guard, empty when no namespace can stand in d.
func (gs guards) compile(d protoreflect.MessageDescriptor) guard {
	if g, ok := gs[d.FullName()]; ok {
		return g
	}
	g := guard{}
	gs[d.FullName()] = g // before its fields: messages nest in themselves
	fields := d.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case namesNamespace(field):
			g[field.Number()] = guardField{namespace: true}
		case identifiesNamespace(field):
			g[field.Number()] = guardField{refused: true}
		case field.Message() != nil && holdsNamespace(field.Message(), map[protoreflect.FullName]bool{}):
			g[field.Number()] = guardField{message: gs.compile(field.Message())}
		}
	}
	return g
}

func namesNamespace(field protoreflect.FieldDescriptor) bool {
	name := string(field.Name())
	return field.Kind() == protoreflect.StringKind && !field.IsMap() &&
		(name == "namespace" || strings.HasSuffix(name, "_namespace"))
}

// identifiesNamespace finds the fields by which a request can mean a namespace
// without naming it.
func identifiesNamespace(field protoreflect.FieldDescriptor) bool {
	name := string(field.Name())
	return field.Kind() == protoreflect.StringKind && !field.IsMap() &&
		(strings.HasSuffix(name, "namespace_id") || field.FullName() == "temporal.api.workflowservice.v1.DescribeNamespaceRequest.id")
}

func holdsNamespace(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[d.FullName()] {
		return false
	}
	seen[d.FullName()] = true
	fields := d.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if namesNamespace(field) || identifiesNamespace(field) || field.Message() != nil && holdsNamespace(field.Message(), seen) {
			return true
		}
	}
	return false
}

// check refuses a message that names a namespace other than the given one, at
// any depth. Every occurrence of a field counts, not just the last that a
// decoder would keep, so that a split or repeated field hides nothing. The
// message's own namespace must be there; a nested one may be empty, which the
// server reads as "the same".
func (g guard) check(message []byte, namespace string) error {
	named, err := g.walk(message, namespace, maxDepth)
	if err == nil && !named && g.atTop() {
		return problem.New(problem.InvalidRequest, "The request names no namespace.")
	}
	return err
}

func (g guard) atTop() bool {
	for _, field := range g {
		if field.namespace {
			return true
		}
	}
	return false
}

func (g guard) walk(message []byte, namespace string, depth int) (named bool, err error) {
	if depth == 0 {
		return false, problem.New(problem.InvalidRequest, "The request is nested too deeply.")
	}
	for len(message) > 0 {
		number, wireType, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false, malformed(n)
		}
		message = message[n:]
		field, watched := g[number]
		if !watched || wireType != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, wireType, message); n < 0 {
				return false, malformed(n)
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return false, malformed(n)
		}
		message = message[n:]
		switch {
		case field.namespace:
			named = len(value) > 0 // of a repeated field, a decoder keeps the last
			err = same(value, namespace)
		case field.refused:
			err = same(value, "")
		default:
			_, err = field.message.walk(value, namespace, depth-1)
		}
		if err != nil {
			return false, err
		}
	}
	return named, nil
}

func same(value []byte, namespace string) error {
	if len(value) == 0 || namespace != "" && string(value) == namespace {
		return nil
	}
	return problem.New(problem.NamespaceMismatch, "The request names a namespace other than the one that it is sent to.")
}

func malformed(n int) error {
	return problem.New(problem.InvalidRequest, "The request is not a valid protobuf message.").Because(protowire.ParseError(n))
}
