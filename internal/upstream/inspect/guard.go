package inspect

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/problem"
)

// maxDepth is protobuf's own limit on nested messages.
const maxDepth = 100

// guard holds the fields of one message type that have a [mark], or whose message has
// such a field at any depth. It skips all other fields without reading them.
type guard map[protowire.Number]guardField

type guardField struct {
	mark    mark
	message guard // the guard of the nested message; nil if nothing in it is marked
}

// guards compiles the guard of each message type once.
type guards struct {
	marks    func(protoreflect.FieldDescriptor) mark
	compiled map[protoreflect.FullName]guard
}

func newGuards(marks func(protoreflect.FieldDescriptor) mark) guards {
	return guards{marks, map[protoreflect.FullName]guard{}}
}

// compile returns the guard of d. It is empty if nothing in d is marked.
func (gs guards) compile(d protoreflect.MessageDescriptor) guard {
	if g, ok := gs.compiled[d.FullName()]; ok {
		return g
	}
	g := guard{}
	gs.compiled[d.FullName()] = g // stored before its fields are compiled, because message types can be recursive
	fields := d.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		guarded := guardField{mark: gs.marks(field)}
		if field.Message() != nil && gs.contains(field.Message(), map[protoreflect.FullName]bool{}) {
			guarded.message = gs.compile(field.Message())
		}
		if guarded.mark != unmarked || guarded.message != nil {
			g[field.Number()] = guarded
		}
	}
	return g
}

// contains reports whether a field of d is marked, at any depth.
func (gs guards) contains(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[d.FullName()] {
		return false
	}
	seen[d.FullName()] = true
	fields := d.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if gs.marks(field) != unmarked || field.Message() != nil && gs.contains(field.Message(), seen) {
			return true
		}
	}
	return false
}

// inspection holds what a request may name, and the state of the check.
type inspection struct {
	namespace string
	// types and queues are the allowed workflow types and task queues. An empty
	// list allows all.
	types, queues []string
	// endpoints are the allowed Nexus endpoints. An empty list allows none.
	endpoints []string
	// callbacks is set if completion callbacks are allowed.
	callbacks bool
	// namesNamespace is set when a top-level field names the namespace.
	namesNamespace bool
}

// check rejects a message that names something that is not allowed, at any depth.
// A top-level field must name the namespace. A nested namespace may be empty: the
// server then uses that of the top level.
func (g guard) check(message []byte, in *inspection) error {
	err := g.walk(message, in, maxDepth)
	if err == nil && !in.namesNamespace && g.hasNamespace() {
		return problem.New(problem.InvalidRequest, "The request names no namespace.")
	}
	return err
}

// hasNamespace reports whether the message type has a top-level namespace field.
func (g guard) hasNamespace() bool {
	for _, field := range g {
		if field.mark == marksNamespace {
			return true
		}
	}
	return false
}

// walk checks the marked fields of a message and of its nested messages. It rejects a
// message that is nested more than depth levels deep.
func (g guard) walk(message []byte, in *inspection, depth int) error {
	if depth == 0 {
		return problem.New(problem.InvalidRequest, "The request is nested too deeply.")
	}
	for len(message) > 0 {
		number, wireType, n := protowire.ConsumeTag(message)
		if n < 0 {
			return malformed(n)
		}
		message = message[n:]
		field, watched := g[number]
		if !watched || wireType != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, wireType, message); n < 0 {
				return malformed(n)
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return malformed(n)
		}
		message = message[n:]
		var err error
		if field.mark != unmarked {
			err = in.checkField(field.mark, value, depth == maxDepth)
		}
		if err == nil && field.message != nil {
			err = field.message.walk(value, in, depth-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkField checks one marked field. top is set for a top-level field.
func (in *inspection) checkField(m mark, value []byte, top bool) error {
	switch m {
	case marksNamespace:
		if top {
			in.namesNamespace = len(value) > 0 // a decoder keeps the last occurrence
		}
		return requireNamespace(value, in.namespace)
	case marksIdentifier:
		return requireNamespace(value, "")
	case marksCallback:
		return forbidUnless(in.callbacks, "The caller may not attach completion callbacks.")
	case marksType:
		return forbidUnless(len(in.types) == 0 || emptyOrIn(value, in.types), "The caller may not start workflows of this type.")
	case marksQueue:
		return forbidUnless(len(in.queues) == 0 || emptyOrIn(value, in.queues), "The caller may not put work on this task queue.")
	case marksEndpoint:
		return forbidUnless(emptyOrIn(value, in.endpoints), "The caller may not call this Nexus endpoint.")
	case marksWorkflow:
		if strings.HasPrefix(string(value), systemWorkflowPrefix) {
			return outsideLimits()
		}
		return nil
	case marksArchive:
		return forbidUnless(len(value) == 0, "The caller is limited, and may not choose where the server archives workflows.")
	case marksBatchQuery:
		return checkBatchQuery(value)
	case marksTaskToken:
		return checkTaskToken(value)
	default:
		return problem.New(problem.Internal, "The request cannot be checked.")
	}
}

// emptyOrIn reports whether value is empty or in the list. An empty value is
// harmless: the server then uses no name, or that of a workflow which the caller may
// use.
func emptyOrIn(value []byte, allowed []string) bool {
	return len(value) == 0 || slices.Contains(allowed, string(value))
}

func forbidUnless(allowed bool, detail string) error {
	if allowed {
		return nil
	}
	return problem.New(problem.OperationForbidden, detail)
}

// requireNamespace rejects a value that is neither empty nor the namespace. If namespace
// is empty, it accepts only an empty value.
func requireNamespace(value []byte, namespace string) error {
	if len(value) == 0 || namespace != "" && string(value) == namespace {
		return nil
	}
	return problem.New(problem.NamespaceMismatch, "The request names a namespace other than the one that it is sent to.")
}

func malformed(n int) error {
	return problem.New(problem.InvalidRequest, "The request is not a valid protobuf message.").WithCause(protowire.ParseError(n))
}
