package upstream

import (
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// method is what the chain knows of one RPC before any call of it.
type method struct {
	// always checks what is checked of every caller's request, limits also what
	// a limited caller may name.
	always, limits guard
	// starts classifies the RPC, for limited callers.
	starts starting
	// response looks at the namespaces of an answer.
	response guard
	// resource is where a request names what it is about.
	resource resource
}

// methods compiles every RPC of the linked API, by full name.
func methods() map[string]method {
	always, limits, answers := newGuards(requestMarks), newGuards(limitMarks), newGuards(responseMarks)
	starts := startings()
	byName := map[string]method{}
	for _, file := range []protoreflect.FileDescriptor{
		workflowservice.File_temporal_api_workflowservice_v1_service_proto,
		operatorservice.File_temporal_api_operatorservice_v1_service_proto,
	} {
		services := file.Services()
		for i := range services.Len() {
			rpcs := services.Get(i).Methods()
			for j := range rpcs.Len() {
				rpc := rpcs.Get(j)
				name := "/" + string(services.Get(i).FullName()) + "/" + string(rpc.Name())
				byName[name] = method{
					always: always.compile(rpc.Input()), limits: limits.compile(rpc.Input()), starts: starts[name],
					response: answers.compile(rpc.Output()), resource: resourceOf(rpc.Input()),
				}
			}
		}
	}
	return byName
}
