package inspect

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The fields of a task token. The server's own API (v1.32) defines the messages Task,
// QueryTask and NexusTask of package temporal.server.api.token.v1. Each has the id of its
// namespace in field 1. Field 2 is the workflow id in Task, and the task queue in the others.
const (
	tokenNamespaceID protowire.Number = 1
	tokenOwner       protowire.Number = 2
)

// TaskTokenNamespaceID returns the id of the namespace that a task token belongs to. It
// reports false if the token is malformed, if it names no namespace, or if it names several.
// A token is not signed: whoever can call the server can write one.
func TaskTokenNamespaceID(token []byte) (id string, ok bool) {
	id, err := path{tokenNamespaceID}.only(token)
	return id, err == nil && id != ""
}

// TaskTokenNamespaceIDs returns the ids of the namespaces that the request's task tokens
// name, in every occurrence. It skips malformed tokens, which the server rejects too.
func (m Method) TaskTokenNamespaceIDs(request []byte) (ids []string) {
	_ = m.taskToken.each(request, func(token []byte) {
		_ = path{tokenNamespaceID}.each(token, func(id []byte) {
			if len(id) > 0 {
				ids = append(ids, string(id))
			}
		})
	})
	return ids
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
	err := path{tokenOwner}.each(token, func(owner []byte) {
		system = system || strings.HasPrefix(string(owner), systemWorkflowPrefix)
	})
	if err == nil && system {
		return outsideLimits()
	}
	return err
}
