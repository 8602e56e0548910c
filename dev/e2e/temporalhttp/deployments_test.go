package temporalhttp_test

import "net/http"

// deploymentExamples returns the examples of worker deployments and of their deprecated predecessors.
func deploymentExamples() map[string][]example {
	build := map[string]string{"build_id": "1.0"}
	return map[string][]example{
		"CreateWorkerDeployment": {{body: `{"identity":"all","requestId":"${id}-request"}`}},
		"DescribeWorkerDeployment": {
			{prepare: version},
			{about: "absent", status: http.StatusNotFound},
		},
		"ListWorkerDeployments": {{query: "pageSize=1"}},
		"DeleteWorkerDeployment": {
			{prepare: deployment, query: "identity=all"},
			{about: "with a version", prepare: version, status: http.StatusBadRequest},
		},
		"SetWorkerDeploymentCurrentVersion": {{
			prepare: currentVersion,
			body:    `{"buildId":"1.0","identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
		}},
		"SetWorkerDeploymentRampingVersion": {{
			prepare: rampingVersion,
			body:    `{"buildId":"1.0","percentage":12.5,"identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
		}},
		"SetWorkerDeploymentManager":    {{prepare: deployment, body: `{"managerIdentity":"boss","identity":"all"}`}},
		"CreateWorkerDeploymentVersion": {{prepare: deployment, body: versionBody}},
		"DescribeWorkerDeploymentVersion": {
			{prepare: version, path: build, query: "reportTaskQueueStats=true"},
			{about: "absent", status: http.StatusNotFound},
		},
		"DeleteWorkerDeploymentVersion": {{prepare: version, path: build, query: "skipDrainage=true&identity=all"}},
		"UpdateWorkerDeploymentVersionMetadata": {{
			prepare: version, path: build,
			body:  `{"upsertEntries":{"a":{"x":[1,2.5]},"b":"text"},"removeEntries":["c"],"identity":"all"}`,
			after: "/namespaces/default/worker-deployment-versions/${id}/1.0?noPayloadShorthand",
		}},
		"UpdateWorkerDeploymentVersionComputeConfig":   {{prepare: version, path: build, body: `{"identity":"all","requestId":"${id}-request","removeComputeConfigScalingGroups":["x"]}`}},
		"ValidateWorkerDeploymentVersionComputeConfig": {{prepare: version, path: build, body: `{"identity":"all"}`, status: http.StatusBadRequest}},

		"DescribeDeployment":        {{path: build, status: http.StatusNotImplemented}},
		"ListDeployments":           {{query: "pageSize=5&seriesName=${id}", status: http.StatusNotImplemented}},
		"GetDeploymentReachability": {{path: build, status: http.StatusNotImplemented}},
		"GetCurrentDeployment":      {{status: http.StatusNotImplemented}},
		"SetCurrentDeployment": {{
			body:   `{"deployment":{"buildId":"1.0"},"identity":"all","updateMetadata":{"upsertEntries":{"k":1}}}`,
			status: http.StatusNotImplemented,
		}},
	}
}

const versionBody = `{"deploymentVersion":{"buildId":"1.0"},"identity":"all","requestId":"${id}-request"}`

func deployment(s *fixture) {
	s.call(http.MethodPost, "/namespaces/default/worker-deployments/${id}", `{"identity":"all","requestId":"${id}-first"}`)
}

// currentVersion prepares a version that is already current: the server may retry a first change, and then reports the
// version as its own predecessor.
func currentVersion(s *fixture) {
	version(s)
	s.call(http.MethodPost, "/namespaces/default/worker-deployments/${id}/set-current-version",
		`{"buildId":"1.0","identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`)
}

// rampingVersion prepares a version that is already ramping, for the same reason.
func rampingVersion(s *fixture) {
	version(s)
	s.call(http.MethodPost, "/namespaces/default/worker-deployments/${id}/set-ramping-version",
		`{"buildId":"1.0","percentage":12.5,"identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`)
}

func version(s *fixture) {
	deployment(s)
	s.call(http.MethodPost, "/namespaces/default/worker-deployment-versions/${id}", versionBody)
}
