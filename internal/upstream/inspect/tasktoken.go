package inspect

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The fields of a task token. The server's own API (v1.32) defines the messages Task,
// QueryTask and NexusTask of package temporal.server.api.token.v1. Each has the id of its
// namespace in field 1. Field 2 is the workflow id in Task, and the task queue in the others.
// Field 14 of Task, for an activity without a workflow, is a serialised ChasmComponentRef
// of package temporal.server.api.persistence.v1. It has the id of its namespace in field 1
// and that of the activity in field 2, and the server follows it instead of the others.
const (
	tokenNamespaceID  protowire.Number = 1
	tokenOwner        protowire.Number = 2
	tokenActivityID   protowire.Number = 6
	tokenComponentRef protowire.Number = 14
)

// namespaceIDPaths returns the fields of a task token that name a namespace.
func namespaceIDPaths() []path {
	return []path{{tokenNamespaceID}, {tokenComponentRef, tokenNamespaceID}}
}

// ownerPaths returns the fields of a task token that name a workflow, a task queue or an
// activity without a workflow.
func ownerPaths() []path {
	return []path{{tokenOwner}, {tokenComponentRef, tokenOwner}}
}

// TaskTokenNamespaceID returns the id of the namespace that a task token belongs to. It
// reports false if the token is malformed, if it names no namespace, or if it names several.
// A token is not signed: every caller of the server can write one.
func TaskTokenNamespaceID(token []byte) (id string, ok bool) {
	id, err := path{tokenNamespaceID}.only(token)
	return id, err == nil && id != ""
}

// TaskTokenNamespaceIDs returns the ids of the namespaces that the request's task tokens
// name, in every occurrence. It skips malformed tokens, which the server rejects too.
func (m Method) TaskTokenNamespaceIDs(request []byte) (ids []string) {
	_ = m.taskToken.each(request, func(token []byte) {
		for _, p := range namespaceIDPaths() {
			_ = p.each(token, func(id []byte) {
				if len(id) > 0 {
					ids = append(ids, string(id))
				}
			})
		}
	})
	return ids
}

// TaskResource returns what a task is about, by its token: the id of the workflow, or that
// of the activity if it has no workflow. For a query or a Nexus task it is the task queue.
func TaskResource(token []byte) string {
	for _, p := range []path{{tokenOwner}, {tokenActivityID}, {tokenComponentRef, tokenOwner}} {
		if id := p.last(token); id != "" {
			return id
		}
	}
	return ""
}

// taskTokenOf returns the path to the task token in a request type, or nil if it has none.
func taskTokenOf(d protoreflect.MessageDescriptor) path {
	if field := d.Fields().ByName(taskTokenField); field != nil && isTaskToken(field) {
		return path{field.Number()}
	}
	return nil
}

const taskTokenField = "task_token"

func isTaskToken(field protoreflect.FieldDescriptor) bool {
	return field.Name() == taskTokenField && field.Kind() == protoreflect.BytesKind
}

// checkTaskToken rejects a token for work of the server itself. A limited caller could
// otherwise write a token with which it completes an activity of a system workflow.
func checkTaskToken(token []byte) error {
	system := false
	for _, p := range ownerPaths() {
		if err := p.each(token, func(owner []byte) {
			system = system || strings.HasPrefix(string(owner), systemWorkflowPrefix)
		}); err != nil {
			return err
		}
	}
	if system {
		return outsideLimits()
	}
	return nil
}
