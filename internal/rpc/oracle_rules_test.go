package rpc_test

import (
	"net/http"
	"regexp"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// rule is one binding of the linked API, read here a second time: what the door
// makes of the same rules is under test.
type rule struct {
	method    protoreflect.MethodDescriptor
	verb      string
	pattern   string
	variables []string
	body      bool
}

func (r *rule) fullMethod() string {
	return "/" + string(r.method.Parent().FullName()) + "/" + string(r.method.Name())
}

func (r *rule) String() string { return r.verb + " " + r.pattern }

// rules lists all bindings of the two services that Temporal serves over HTTP.
func rules() []*rule {
	var all []*rule
	for _, file := range []protoreflect.FileDescriptor{
		workflowservice.File_temporal_api_workflowservice_v1_service_proto,
		operatorservice.File_temporal_api_operatorservice_v1_service_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				all = append(all, rulesOf(methods.Get(j))...)
			}
		}
	}
	return all
}

var inBraces = regexp.MustCompile(`\{([^{}]+)\}`)

func rulesOf(method protoreflect.MethodDescriptor) []*rule {
	first, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if first == nil {
		return nil
	}
	var all []*rule
	for _, bound := range append([]*annotations.HttpRule{first}, first.GetAdditionalBindings()...) {
		r := &rule{method: method, body: bound.GetBody() == "*"}
		for verb, pattern := range map[string]string{
			http.MethodGet: bound.GetGet(), http.MethodPost: bound.GetPost(), http.MethodPut: bound.GetPut(),
			http.MethodPatch: bound.GetPatch(), http.MethodDelete: bound.GetDelete(),
		} {
			if pattern != "" {
				r.verb, r.pattern = verb, pattern
			}
		}
		for _, match := range inBraces.FindAllStringSubmatch(r.pattern, -1) {
			r.variables = append(r.variables, match[1])
		}
		all = append(all, r)
	}
	return all
}

// messageType gives the linked Go type of a message.
func messageType(d protoreflect.MessageDescriptor) protoreflect.MessageType {
	if linked, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName()); err == nil {
		return linked
	}
	return dynamicpb.NewMessageType(d)
}

func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	return messageType(d).New().Interface()
}
