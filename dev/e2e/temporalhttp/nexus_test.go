package temporalhttp_test

import (
	"net/http"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// nexusExamples returns the examples for Nexus endpoints and standalone Nexus operations.
func nexusExamples() map[string][]example {
	endpointID := map[string]string{"id": "${endpoint}"}
	const update = `{"version":"1","spec":{"name":"${id}","description":"changed","target":{"external":{"url":"http://127.0.0.1:1/x"}}}}`
	return map[string][]example{
		"CreateNexusEndpoint": {
			{body: endpointBody},
			{about: "no target", body: `{"spec":{"name":"${id}"}}`, status: http.StatusBadRequest},
		},
		"GetNexusEndpoint": {
			{prepare: nexusEndpoint, path: endpointID},
			{about: "absent", path: map[string]string{"id": "00000000-0000-4000-8000-000000000000"}, status: http.StatusNotFound},
		},
		"UpdateNexusEndpoint": {{prepare: nexusEndpoint, path: endpointID, body: update}},
		"DeleteNexusEndpoint": {{prepare: nexusEndpoint, path: endpointID, query: "version=1"}},
		"ListNexusEndpoints":  {{prepare: nexusEndpoint, query: "pageSize=10&name=${id}"}},

		"StartNexusOperationExecution": {
			{
				prepare: nexusEndpoint,
				body: `{"endpoint":"${id}","service":"shop","operation":"buy","input":{"sku":"book"},"requestId":"${id}-request",
					"scheduleToCloseTimeout":"600s","nexusHeader":{"trace":"abc"},"identity":"all",
					"searchAttributes":{"indexedFields":{"CustomerId":"c-1"}},"userMetadata":{"summary":"s"}}`, after: operationPath + "?includeInput=true&noPayloadShorthand",
			},
			{about: "no endpoint", body: `{"service":"shop","operation":"buy"}`, status: http.StatusBadRequest},
		},
		"DescribeNexusOperationExecution": {
			{prepare: nexusOperation, query: "includeInput=true&includeOutcome=true"},
			{about: "absent", status: http.StatusNotFound},
		},
		"PollNexusOperationExecution": {
			{prepare: terminatedNexusOperation, query: "waitStage=NEXUS_OPERATION_WAIT_STAGE_CLOSED"},
			{about: "absent", status: http.StatusNotFound},
		},
		"ListNexusOperationExecutions":         {{prepare: listedNexusOperation, query: "pageSize=5&query=OperationId%3D%22${id}%22"}},
		"CountNexusOperationExecutions":        {{prepare: listedNexusOperation, query: "query=OperationId%3D%22${id}%22"}},
		"RequestCancelNexusOperationExecution": {{prepare: nexusOperation, body: `{"runId":"${run}","requestId":"${id}-request","reason":"enough"}`}},
		"TerminateNexusOperationExecution":     {{prepare: nexusOperation, body: `{"requestId":"${id}-request","reason":"enough"}`}},
	}
}

const (
	endpointBody = `{"spec":{"name":"${id}","description":{"d":1},"target":{"worker":{"namespace":"default","taskQueue":"${id}"}}}}`

	operationPath = "/namespaces/default/nexus-operations/${id}"
)

func nexusEndpoint(s *fixture) {
	s.set("endpoint", field(s.call(http.MethodPost, "/cluster/nexus/endpoints", endpointBody), "endpoint", "id"))
}

// nexusOperation prepares a Nexus operation that no worker handles.
func nexusOperation(s *fixture) {
	nexusEndpoint(s)
	e2etest.Eventually(s.T, "the services of the server have loaded the endpoint", func() bool {
		members, ok := s.tryCall(http.MethodPost, operationPath,
			`{"endpoint":"${id}","service":"shop","operation":"buy","input":{"sku":"book"},"requestId":"${id}-first","scheduleToCloseTimeout":"600s"}`)
		if ok {
			s.set("run", members["runId"])
		}
		return ok
	})
}

func terminatedNexusOperation(s *fixture) {
	nexusOperation(s)
	s.call(http.MethodPost, operationPath+"/terminate", `{"requestId":"${id}-end","reason":"enough"}`)
}

func listedNexusOperation(s *fixture) {
	nexusOperation(s)
	e2etest.Eventually(s.T, "the operation is listed", func() bool {
		count := s.call(http.MethodGet, "/namespaces/default/nexus-operation-count?query=OperationId%3D%22${id}%22", "")
		return field(count, "count") == "1"
	})
}
