package calls

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"

	"github.com/flowgate/flowgate/bench/messages"
)

const (
	temporalWorkflows = "/api/v1/namespaces/" + messages.Namespace + "/workflows"
	v1Workflows       = "/v1/namespaces/" + messages.Namespace + "/workflows"
	one               = "/" + messages.WorkflowID
	// query is that of the list.
	query = `WorkflowType = "Order"`
)

// Temporal is the dialect of Temporal's own HTTP API: payloads in short form.
func Temporal() Dialect {
	return Dialect{paths: temporalPaths(), bodies: temporalBodies(func(json string) string { return "[" + json + "]" })}
}

// Protobuf is the same with payloads as protobuf's JSON has them, which is all that a grpc-gateway understands by
// itself.
func Protobuf() Dialect {
	return Dialect{paths: temporalPaths(), bodies: temporalBodies(func(json string) string {
		encode := base64.StdEncoding.EncodeToString
		return fmt.Sprintf(`{"payloads":[{"metadata":{"encoding":%q},"data":%q}]}`, encode([]byte("json/plain")), encode([]byte(json)))
	})}
}

// Floor is that of the floor: Temporal's, but for a path of its own to wait at, since the floor reads no parameters.
func Floor() Dialect {
	d := Temporal()
	d.paths = maps.Clone(d.paths)
	d.paths[Wait] = temporalWorkflows + one + "/wait"
	return d
}

// V1 is the dialect of the gateway's client API.
func V1() Dialect {
	return Dialect{
		paths: map[Call]string{
			Start:    v1Workflows,
			Signal:   v1Workflows + one + "/signal",
			Describe: v1Workflows + one,
			List:     v1Workflows + "?pageSize=100&query=" + url.QueryEscape(query),
			History:  v1Workflows + one + "/history?pageSize=1000",
			Wait:     v1Workflows + one + "/result?wait=55s",
		},
		bodies: map[Call]string{
			Start: fmt.Sprintf(`{"workflowType":%q,"workflowId":%q,"taskQueue":%q,"runTimeout":"3600s","args":[%s]}`,
				messages.WorkflowType, messages.WorkflowID, messages.TaskQueue, messages.Argument),
			Signal: fmt.Sprintf(`{"signal":%q,"args":[%s]}`, messages.Signal, messages.Approval),
		},
	}
}

func temporalPaths() map[Call]string {
	return map[Call]string{
		Start:    temporalWorkflows + one,
		Signal:   temporalWorkflows + one + "/signal/" + messages.Signal,
		Describe: temporalWorkflows + one,
		List:     temporalWorkflows + "?pageSize=100&query=" + url.QueryEscape(query),
		History:  temporalWorkflows + one + "/history?maximumPageSize=1000",
		Wait:     temporalWorkflows + one + "/history?waitNewEvent=true&historyEventFilterType=2",
	}
}

// temporalBodies has the values of input as payloads makes them.
func temporalBodies(payloads func(json string) string) map[Call]string {
	return map[Call]string{
		Start: fmt.Sprintf(`{"workflowType":{"name":%q},"taskQueue":{"name":%q},"workflowRunTimeout":"3600s","requestId":%q,"input":%s}`,
			messages.WorkflowType, messages.TaskQueue, messages.RunID, payloads(messages.Argument)),
		Signal: fmt.Sprintf(`{"requestId":%q,"input":%s}`, messages.RunID, payloads(messages.Approval)),
	}
}
