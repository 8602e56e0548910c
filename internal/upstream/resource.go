package upstream

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// resource is the way, by field numbers, to the text by which a request names
// what it is about: an id, as far as there is one.
type resource []protowire.Number

// resourcePaths are tried in turn; the first that a request has is its own.
func resourcePaths() []string {
	return []string{
		"workflow_execution.workflow_id", "execution.workflow_id", "update_ref.workflow_execution.workflow_id", "workflow_id",
		"operations.start_workflow.workflow_id", "schedule_id", "activity_id", "operation_id", "run_id", "job_id", "id",
		"deployment_version.deployment_name", "deployment_name", "worker_deployment_name", "rule_id", "endpoint_id", "name",
		"spec.name", "task_queue.name", "task_queue", "info.name", "frontend_address",
	}
}

// resourceOf finds the way in a request's message, nil when there is none.
func resourceOf(d protoreflect.MessageDescriptor) resource {
	for _, path := range resourcePaths() {
		if way := pathTo(d, strings.Split(path, ".")); way != nil {
			return way
		}
	}
	return nil
}

func pathTo(d protoreflect.MessageDescriptor, names []string) resource {
	field := d.Fields().ByName(protoreflect.Name(names[0]))
	switch {
	case field == nil || field.IsMap():
		return nil
	case len(names) == 1 && field.Kind() == protoreflect.StringKind && !field.IsList():
		return resource{field.Number()}
	case len(names) > 1 && field.Message() != nil:
		if rest := pathTo(field.Message(), names[1:]); rest != nil {
			return append(resource{field.Number()}, rest...)
		}
	}
	return nil
}

// maxResourceBytes is the longest id that Temporal takes by default.
const maxResourceBytes = 1000

// extract reads the text, empty when the request has none. What is no text, or longer
// than an id can be, is not worth a line of the log.
func (way resource) extract(message []byte) (text string) {
	if len(way) == 0 {
		return ""
	}
	for len(message) > 0 {
		number, wireType, n := protowire.ConsumeTag(message)
		if n < 0 {
			return text
		}
		size := protowire.ConsumeFieldValue(number, wireType, message[n:])
		if size < 0 {
			return text
		}
		if number == way[0] && wireType == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[n:])
			if len(way) > 1 {
				if found := way[1:].extract(value); found != "" {
					text = found
				}
			} else if len(value) <= maxResourceBytes && utf8.Valid(value) {
				text = string(value)
			}
		}
		message = message[n+size:]
	}
	return text
}
