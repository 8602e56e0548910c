package upstream

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// mark says what a field of a request means to the guard.
type mark uint8

const (
	unmarked        mark = iota
	marksNamespace       // it names a namespace
	marksIdentifier      // it names one by its internal id, past the guard
	marksCallback        // it is a completion callback
	marksType            // it names a workflow type
	marksQueue           // it names a task queue
	marksEndpoint        // it names a Nexus endpoint that is to be called
	marksWorkflow        // it is the id of a workflow
)

// systemWorkflows is how the ids of the server's own workflows begin. Signals and
// updates say to a schedule's what to start, and to a worker controller's which
// endpoint to call.
const systemWorkflows = "temporal-sys-"

// requestMarks are what every request is checked for.
func requestMarks(field protoreflect.FieldDescriptor) mark {
	if field.Message() != nil && field.Message().FullName() == "temporal.api.common.v1.Callback" {
		return marksCallback
	}
	return namespaceMarks(field)
}

// limitMarks are what the writes of a limited caller are checked for. Each is a
// rule about the name of a field and not a list of fields, so that a field of a
// later version of the API counts as soon as it is there.
func limitMarks(field protoreflect.FieldDescriptor) mark {
	switch {
	case !isText(field):
		return requestMarks(field)
	case named(field, "workflow_type", "workflow_type_name", "workflow_types") || within(field, "WorkflowType"):
		return marksType
	case named(field, "task_queue", "task_queue_name", "task_queues") || within(field, "TaskQueue"):
		return marksQueue // the normal name too, which a sticky queue stands for
	case named(field, "endpoint", "endpoint_name", "endpoints") && !reports(field.Parent()):
		return marksEndpoint
	case named(field, "workflow_id", "workflow_ids"):
		return marksWorkflow
	default:
		return requestMarks(field)
	}
}

// namespaceMarks are where a message names a namespace.
func namespaceMarks(field protoreflect.FieldDescriptor) mark {
	switch {
	case isText(field) && named(field, "namespace"):
		return marksNamespace
	case identifiesNamespace(field):
		return marksIdentifier
	default:
		return unmarked
	}
}

// identifiesNamespace finds the fields by which a request can mean a namespace
// without naming it.
func identifiesNamespace(field protoreflect.FieldDescriptor) bool {
	return isText(field) && (strings.HasSuffix(string(field.Name()), "namespace_id") ||
		field.FullName() == "temporal.api.workflowservice.v1.DescribeNamespaceRequest.id")
}

// isText reports whether a field holds one text or a list of them.
func isText(field protoreflect.FieldDescriptor) bool { return field.Kind() == protoreflect.StringKind }

// named reports whether a field has one of the names, or ends with it as with
// a word of its own.
func named(field protoreflect.FieldDescriptor, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		before, ends := strings.CutSuffix(string(field.Name()), name)
		return ends && (before == "" || strings.HasSuffix(before, "_"))
	})
}

// within reports whether a field belongs to the message by which requests name
// something.
func within(field protoreflect.FieldDescriptor, message protoreflect.Name) bool {
	return field.Parent().Name() == message
}

// reports finds the messages that name the endpoint of a call that was made
// before, and call nothing.
func reports(message protoreflect.Descriptor) bool {
	return message.ParentFile().Package() == "temporal.api.failure.v1" ||
		message.FullName() == "temporal.api.nexus.v1.PropagatedSerializationContext"
}
