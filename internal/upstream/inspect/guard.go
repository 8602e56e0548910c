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

// guard holds, for one message type, the fields that are marked or that lead to
// marked fields. Other fields are absent, and skipped without reading them.
type guard map[protowire.Number]guardField

type guardField struct {
	mark    mark
	message guard // of a message field that leads to marked fields
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
	gs.compiled[d.FullName()] = g // before its fields: messages nest in themselves
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

// inspection is what a request may name, and the state of its check.
type inspection struct {
	namespace string
	// types and queues are the allowed names. An empty list allows all names.
	types, queues []string
	// endpoints are the allowed names. An empty list allows none.
	endpoints []string
	// callbacks allows completion callbacks.
	callbacks bool
	// named is set when the message itself names its namespace.
	named bool
}

// check rejects a message that names something that is not allowed, at any depth.
// Every occurrence of a field counts, not only the last, which a decoder would
// keep, so that a split or repeated field hides nothing. The message itself must
// name its namespace. A nested namespace may be empty, which the server reads as
// "the same".
func (g guard) check(message []byte, in *inspection) error {
	err := g.walk(message, in, maxDepth)
	if err == nil && !in.named && g.atTop() {
		return problem.New(problem.InvalidRequest, "The request names no namespace.")
	}
	return err
}

func (g guard) atTop() bool {
	for _, field := range g {
		if field.mark == marksNamespace {
			return true
		}
	}
	return false
}

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

// checkField checks one marked field. top means a field of the message itself.
func (in *inspection) checkField(m mark, value []byte, top bool) error {
	switch m {
	case marksNamespace:
		if top {
			in.named = len(value) > 0 // of a repeated field, a decoder keeps the last
		}
		return same(value, in.namespace)
	case marksIdentifier:
		return same(value, "")
	case marksCallback:
		return allow(in.callbacks, "The caller may not attach completion callbacks.")
	case marksType:
		return allow(len(in.types) == 0 || among(value, in.types), "The caller may not start workflows of this type.")
	case marksQueue:
		return allow(len(in.queues) == 0 || among(value, in.queues), "The caller may not put work on this task queue.")
	case marksEndpoint:
		return allow(among(value, in.endpoints), "The caller may not call this Nexus endpoint.")
	case marksWorkflow:
		if strings.HasPrefix(string(value), systemWorkflows) {
			return outsideLimits()
		}
		return nil
	default:
		return problem.New(problem.Internal, "The request cannot be checked.")
	}
}

// among reports whether value is in the list, or empty. For an empty value the
// server uses none, or that of a workflow which the caller may use.
func among(value []byte, allowed []string) bool {
	return len(value) == 0 || slices.Contains(allowed, string(value))
}

func allow(allowed bool, detail string) error {
	if allowed {
		return nil
	}
	return problem.New(problem.OperationForbidden, detail)
}

func same(value []byte, namespace string) error {
	if len(value) == 0 || namespace != "" && string(value) == namespace {
		return nil
	}
	return problem.New(problem.NamespaceMismatch, "The request names a namespace other than the one that it is sent to.")
}

func malformed(n int) error {
	return problem.New(problem.InvalidRequest, "The request is not a valid protobuf message.").WithCause(protowire.ParseError(n))
}
