package inspect

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// mark is the meaning of a field for the guard.
type mark uint8

const (
	unmarked        mark = iota
	marksNamespace       // the name of a namespace
	marksIdentifier      // the internal id of a namespace, which could bypass the check of the name
	marksCallback        // a completion callback
	marksType            // the name of a workflow type
	marksQueue           // the name of a task queue
	marksEndpoint        // the name of a Nexus endpoint to call
	marksWorkflow        // a workflow id
	marksTaskToken       // a task token, which names a workflow
	marksArchive         // the place to which the server writes closed workflows
	marksBatchQuery      // the query that selects the workflows of a batch
)

// systemWorkflowPrefix is the prefix of the ids of the server's own workflows. A
// limited caller, or one whose grant names operations, must not send them a signal or an update, with which it could make
// the workflow of a schedule start any workflow, or that of a worker controller call
// any Nexus endpoint.
const systemWorkflowPrefix = "temporal-sys-"

// requestMarks marks the fields that are checked in every request.
func requestMarks(field protoreflect.FieldDescriptor) mark {
	if field.Message() != nil && field.Message().FullName() == "temporal.api.common.v1.Callback" {
		return marksCallback
	}
	return namespaceMarks(field)
}

// limitMarks marks the fields that are checked in the writes of a limited caller (see
// [auth.Principal.Limited]). Its rules are about field names, not a list of fields, so
// that it also marks the fields of a later version of the API.
func limitMarks(field protoreflect.FieldDescriptor) mark {
	switch {
	case isTaskToken(field):
		return marksTaskToken
	case !isText(field):
		return requestMarks(field)
	case nameEndsWith(field, "workflow_type", "workflow_type_name", "workflow_types") || belongsTo(field, "WorkflowType"):
		return marksType
	case nameEndsWith(field, "task_queue", "task_queue_name", "task_queues") || belongsTo(field, "TaskQueue"):
		return marksQueue // this includes TaskQueue.normal_name, the queue behind a sticky queue
	case nameEndsWith(field, "endpoint", "endpoint_name", "endpoints") && !describesCall(field.Parent()):
		return marksEndpoint
	case nameEndsWith(field, "archival_uri"):
		return marksArchive
	case nameEndsWith(field, "workflow_id", "workflow_ids"):
		return marksWorkflow
	default:
		return requestMarks(field)
	}
}

// systemMarks marks the fields with which a request names workflows of the server. They are
// checked if the caller's grant names operations.
func systemMarks(field protoreflect.FieldDescriptor) mark {
	if field.FullName() == "temporal.api.workflowservice.v1.StartBatchOperationRequest.visibility_query" {
		return marksBatchQuery
	}
	if m := limitMarks(field); m == marksWorkflow || m == marksTaskToken {
		return m
	}
	return unmarked
}

// responseMarks marks the fields with which a response names a namespace.
func responseMarks(field protoreflect.FieldDescriptor) mark {
	if field.FullName() == "temporal.api.namespace.v1.NamespaceInfo.name" {
		return marksNamespace
	}
	return namespaceMarks(field)
}

// namespaceMarks marks the fields with which a message names a namespace.
func namespaceMarks(field protoreflect.FieldDescriptor) mark {
	switch {
	case isText(field) && nameEndsWith(field, "namespace"):
		return marksNamespace
	case identifiesNamespace(field):
		return marksIdentifier
	default:
		return unmarked
	}
}

// identifiesNamespace reports whether a field holds the id of a namespace instead
// of its name.
func identifiesNamespace(field protoreflect.FieldDescriptor) bool {
	return isText(field) && (strings.HasSuffix(string(field.Name()), "namespace_id") ||
		field.FullName() == "temporal.api.workflowservice.v1.DescribeNamespaceRequest.id")
}

// isText reports whether a field is a string or a list of strings.
func isText(field protoreflect.FieldDescriptor) bool { return field.Kind() == protoreflect.StringKind }

// nameEndsWith reports whether the name of a field is one of the names, or ends with
// an underscore and one of the names.
func nameEndsWith(field protoreflect.FieldDescriptor, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		before, ends := strings.CutSuffix(string(field.Name()), name)
		return ends && (before == "" || strings.HasSuffix(before, "_"))
	})
}

// belongsTo reports whether a field belongs to a message type with the given name.
func belongsTo(field protoreflect.FieldDescriptor, message protoreflect.Name) bool {
	return field.Parent().Name() == message
}

// describesCall reports whether a message type only describes an earlier call to a
// Nexus endpoint, and does not cause a call.
func describesCall(message protoreflect.Descriptor) bool {
	return message.ParentFile().Package() == "temporal.api.failure.v1" ||
		message.FullName() == "temporal.api.nexus.v1.PropagatedSerializationContext"
}
