package temporalhttp_test

import (
	"net/http"
	"regexp"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/flowgate/flowgate/internal/auth"
)

// rule is one binding of a method to an HTTP route. The tests read the google.api.http
// rules themselves, because they test how the door compiles the rules.
type rule struct {
	method    protoreflect.MethodDescriptor
	verb      string
	pattern   string
	variables []string // names of the path variables
	body      bool     // whether the body contains the message
}

func (r *rule) fullMethod() string {
	return auth.FullMethod(r.method)
}

func (r *rule) String() string { return r.verb + " " + r.pattern }

// rules returns all bindings of the two services that Temporal serves over HTTP.
func rules() []*rule {
	var all []*rule
	for method := range auth.Methods() {
		all = append(all, rulesOf(method)...)
	}
	return all
}

var pathVariable = regexp.MustCompile(`\{([^{}]+)\}`)

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
		for _, match := range pathVariable.FindAllStringSubmatch(r.pattern, -1) {
			r.variables = append(r.variables, match[1])
		}
		all = append(all, r)
	}
	return all
}

// messageType returns the generated Go type of a message, or a dynamic type if there is none.
func messageType(d protoreflect.MessageDescriptor) protoreflect.MessageType {
	if linked, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName()); err == nil {
		return linked
	}
	return dynamicpb.NewMessageType(d)
}

func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	return messageType(d).New().Interface()
}
