package upstream

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/problem"
)

// maxDepth is protobuf's own limit for nested messages.
const maxDepth = 100

// mark says what a text in a request means to the guard.
type mark uint8

const (
	unmarked        mark = iota
	marksNamespace       // it names a namespace
	marksIdentifier      // it names one by its internal id, past the guard
	marksType            // it names a workflow type
	marksQueue           // it names a task queue
)

// guard is, for one message type, where the marked texts stand in its wire
// form. Fields that lead to none are absent and skipped unread.
type guard map[protowire.Number]guardField

type guardField struct {
	mark    mark
	message guard // the field is a message that may hold marked texts
}

// guards compiles the guards of message types, once each.
type guards struct {
	marks    func(protoreflect.FieldDescriptor) mark
	compiled map[protoreflect.FullName]guard
}

func newGuards(marks func(protoreflect.FieldDescriptor) mark) guards {
	return guards{marks, map[protoreflect.FullName]guard{}}
}

// compile gives d's guard, empty when nothing in d is marked.
func (gs guards) compile(d protoreflect.MessageDescriptor) guard {
	if g, ok := gs.compiled[d.FullName()]; ok {
		return g
	}
	g := guard{}
	gs.compiled[d.FullName()] = g // before its fields: messages nest in themselves
	fields := d.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if m := gs.marks(field); m != unmarked {
			g[field.Number()] = guardField{mark: m}
		} else if field.Message() != nil && gs.holds(field.Message(), map[protoreflect.FullName]bool{}) {
			g[field.Number()] = guardField{message: gs.compile(field.Message())}
		}
	}
	return g
}

// holds tells whether anything in d is marked.
func (gs guards) holds(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[d.FullName()] {
		return false
	}
	seen[d.FullName()] = true
	fields := d.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if gs.marks(field) != unmarked || field.Message() != nil && gs.holds(field.Message(), seen) {
			return true
		}
	}
	return false
}

// namespaceMarks are what every request is held against.
func namespaceMarks(field protoreflect.FieldDescriptor) mark {
	switch {
	case namesNamespace(field):
		return marksNamespace
	case identifiesNamespace(field):
		return marksIdentifier
	default:
		return unmarked
	}
}

// allMarks are what the writes of a caller are held against that may start
// workflows of some types only, or put work on some task queues.
func allMarks(field protoreflect.FieldDescriptor) mark {
	text := field.Kind() == protoreflect.StringKind && !field.IsMap()
	switch name := field.FullName(); {
	case name == "temporal.api.common.v1.WorkflowType.name":
		return marksType
	case name.Parent() == "temporal.api.taskqueue.v1.TaskQueue" && text, text && field.Name() == "task_queue":
		return marksQueue // the name, and the normal name that a sticky queue stands for
	default:
		return namespaceMarks(field)
	}
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

// inspection is what a request is held against.
type inspection struct {
	namespace string
	// types and queues are the allowed ones; none means any.
	types, queues []string
	// named is set when the message itself names its namespace.
	named bool
}

// check refuses a message that names a namespace other than the given one, at
// any depth. Every occurrence of a field counts, not just the last that a
// decoder would keep, so that a split or repeated field hides nothing. The
// message's own namespace must be there; a nested one may be empty, which the
// server reads as "the same".
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
			err = in.see(field.mark, value, depth == maxDepth)
		} else {
			err = field.message.walk(value, in, depth-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// see judges one marked text; top says that it stands in the message itself.
func (in *inspection) see(m mark, value []byte, top bool) error {
	switch m {
	case marksNamespace:
		if top {
			in.named = len(value) > 0 // of a repeated field, a decoder keeps the last
		}
		return same(value, in.namespace)
	case marksIdentifier:
		return same(value, "")
	case marksType:
		return among(value, in.types, "The caller may not start workflows of this type.")
	default:
		return among(value, in.queues, "The caller may not put work on this task queue.")
	}
}

// among refuses what is not on a list, where there is one. An empty text passes:
// the server takes none.
func among(value []byte, allowed []string, refusal string) error {
	if len(value) == 0 || len(allowed) == 0 || slices.Contains(allowed, string(value)) {
		return nil
	}
	return problem.New(problem.OperationForbidden, refusal)
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
