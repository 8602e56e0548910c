package inspect

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/problem"
)

// path has the field numbers that lead from a message to a string field at any depth,
// the outermost first. An empty path stands for no field.
type path []protowire.Number

// resourcePaths returns the fields, as for [pathTo], that can hold the id of what a
// request is about. The first one that a request type has applies.
func resourcePaths() []string {
	return []string{
		"workflow_execution.workflow_id", "execution.workflow_id", "update_ref.workflow_execution.workflow_id", "workflow_id",
		"operations.start_workflow.workflow_id", "schedule_id", "activity_id", "operation_id", "run_id", "job_id", "id",
		"deployment_version.deployment_name", "deployment_name", "worker_deployment_name", "rule_id", "endpoint_id", "name",
		"spec.name", "task_queue.name", "task_queue", "info.name", "frontend_address",
	}
}

// resourceOf returns the path to the first of [resourcePaths] in a request type, or
// nil if it has none.
func resourceOf(d protoreflect.MessageDescriptor) path {
	for _, names := range resourcePaths() {
		if p := pathTo(d, names); p != nil {
			return p
		}
	}
	return nil
}

// pathTo returns the path to a field, given by its name or by field names that are
// joined with dots, the outermost first. It returns nil if there is no such field.
func pathTo(d protoreflect.MessageDescriptor, names string) path {
	name, rest, nested := strings.Cut(names, ".")
	field := d.Fields().ByName(protoreflect.Name(name))
	switch {
	case field == nil || field.IsMap():
		return nil
	case !nested && field.Kind() == protoreflect.StringKind && !field.IsList():
		return path{field.Number()}
	case nested && field.Message() != nil:
		if below := pathTo(field.Message(), rest); below != nil {
			return append(path{field.Number()}, below...)
		}
	}
	return nil
}

// each calls visit with the value of every occurrence of the field, in wire order.
func (p path) each(message []byte, visit func(value []byte)) error {
	if len(p) == 0 {
		return nil
	}
	for len(message) > 0 {
		number, wireType, n := protowire.ConsumeTag(message)
		if n < 0 {
			return malformed(n)
		}
		size := protowire.ConsumeFieldValue(number, wireType, message[n:])
		if size < 0 {
			return malformed(size)
		}
		if number == p[0] && wireType == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[n:])
			if len(p) == 1 {
				visit(value)
			} else if err := p[1:].each(value, visit); err != nil {
				return err
			}
		}
		message = message[n+size:]
	}
	return nil
}

// maxResourceBytes is the longest id that Temporal accepts by default, in bytes.
const maxResourceBytes = 1000

// last returns the last value of the field that is not empty, for the audit log. It
// skips values that are not UTF-8 or longer than an id can be. In a malformed message
// it reads only the fields before the error.
func (p path) last(message []byte) (text string) {
	_ = p.each(message, func(value []byte) {
		if len(value) > 0 && len(value) <= maxResourceBytes && utf8.Valid(value) {
			text = string(value)
		}
	})
	return text
}

// only returns the value of the field, or "" if it does not occur. It
// returns an error if the field occurs with different values, because decoders may
// differ in which one they keep.
func (p path) only(message []byte) (text string, err error) {
	seen, same := false, true
	err = p.each(message, func(value []byte) {
		same = same && (!seen || string(value) == text)
		seen, text = true, string(value)
	})
	if err == nil && !same {
		err = problem.New(problem.InvalidRequest, "The request has a field twice, with different values.")
	}
	return text, err
}
