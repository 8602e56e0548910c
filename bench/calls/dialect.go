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
	workflowSegment   = "/" + messages.WorkflowID
	// query is the visibility query of the call List.
	query = `WorkflowType = "Order"`
)

// Temporal returns the dialect of Temporal's HTTP API, with JSON payloads in shorthand form.
func Temporal() Dialect {
	return Dialect{paths: temporalPaths(), bodies: temporalBodies(func(json string) string { return "[" + json + "]" })}
}

// Protobuf returns the dialect of Temporal's HTTP API with payloads in protobuf JSON, the only form that a plain
// grpc-gateway accepts.
func Protobuf() Dialect {
	return Dialect{paths: temporalPaths(), bodies: temporalBodies(func(json string) string {
		encode := base64.StdEncoding.EncodeToString
		return fmt.Sprintf(`{"payloads":[{"metadata":{"encoding":%q},"data":%q}]}`, encode([]byte("json/plain")), encode([]byte(json)))
	})}
}

// Floor returns the dialect of the floor. It is that of Temporal's HTTP API, with a separate path for Wait, because the
// floor does not read query parameters.
func Floor() Dialect {
	d := Temporal()
	d.paths = maps.Clone(d.paths)
	d.paths[Wait] = temporalWorkflows + workflowSegment + "/wait"
	return d
}

// V1 returns the dialect of the gateway's client API.
func V1() Dialect {
	return Dialect{
		paths: map[Call]string{
			Start:    v1Workflows,
			Signal:   v1Workflows + workflowSegment + "/signal",
			Describe: v1Workflows + workflowSegment,
			List:     v1Workflows + "?pageSize=100&query=" + url.QueryEscape(query),
			History:  v1Workflows + workflowSegment + "/history?pageSize=1000",
			Wait:     v1Workflows + workflowSegment + "/result?wait=55s",
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
		Start:    temporalWorkflows + workflowSegment,
		Signal:   temporalWorkflows + workflowSegment + "/signal/" + messages.Signal,
		Describe: temporalWorkflows + workflowSegment,
		List:     temporalWorkflows + "?pageSize=100&query=" + url.QueryEscape(query),
		History:  temporalWorkflows + workflowSegment + "/history?maximumPageSize=1000",
		Wait:     temporalWorkflows + workflowSegment + "/history?waitNewEvent=true&historyEventFilterType=2",
	}
}

// temporalBodies returns the request bodies. The function payloads encodes one input value as a list of
// payloads.
func temporalBodies(payloads func(json string) string) map[Call]string {
	return map[Call]string{
		Start: fmt.Sprintf(`{"workflowType":{"name":%q},"taskQueue":{"name":%q},"workflowRunTimeout":"3600s","requestId":%q,"input":%s}`,
			messages.WorkflowType, messages.TaskQueue, messages.RequestID, payloads(messages.Argument)),
		Signal: fmt.Sprintf(`{"requestId":%q,"input":%s}`, messages.RequestID, payloads(messages.Approval)),
	}
}
