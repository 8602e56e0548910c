package temporalhttp_test

import "net/http"

// deploymentExamples returns the examples for worker deployments and for the deprecated methods that they replace.
func deploymentExamples() map[string][]example {
	build := map[string]string{"build_id": "1.0"}
	return map[string][]example{
		"CreateWorkerDeployment": {{body: `{"identity":"all","requestId":"${id}-request"}`}},
		"DescribeWorkerDeployment": {
			{prepare: deploymentVersion},
			{about: "absent", status: http.StatusNotFound},
		},
		"ListWorkerDeployments": {{query: "pageSize=1"}},
		"DeleteWorkerDeployment": {
			{prepare: workerDeployment, query: "identity=all"},
			{about: "with a version", prepare: deploymentVersion, status: http.StatusBadRequest},
		},
		"SetWorkerDeploymentCurrentVersion": {{
			prepare: currentVersion,
			body:    `{"buildId":"1.0","identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
		}},
		"SetWorkerDeploymentRampingVersion": {{
			prepare: rampingVersion,
			body:    `{"buildId":"1.0","percentage":12.5,"identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`,
		}},
		"SetWorkerDeploymentManager":    {{prepare: workerDeployment, body: `{"managerIdentity":"boss","identity":"all"}`}},
		"CreateWorkerDeploymentVersion": {{prepare: workerDeployment, body: versionBody}},
		"DescribeWorkerDeploymentVersion": {
			{prepare: deploymentVersion, path: build, query: "reportTaskQueueStats=true"},
			{about: "absent", status: http.StatusNotFound},
		},
		"DeleteWorkerDeploymentVersion": {{prepare: deploymentVersion, path: build, query: "skipDrainage=true&identity=all"}},
		"UpdateWorkerDeploymentVersionMetadata": {{
			prepare: deploymentVersion, path: build,
			body:  `{"upsertEntries":{"a":{"x":[1,2.5]},"b":"text"},"removeEntries":["c"],"identity":"all"}`,
			after: "/namespaces/default/worker-deployment-versions/${id}/1.0?noPayloadShorthand",
		}},
		"UpdateWorkerDeploymentVersionComputeConfig":   {{prepare: deploymentVersion, path: build, body: `{"identity":"all","requestId":"${id}-request","removeComputeConfigScalingGroups":["x"]}`}},
		"ValidateWorkerDeploymentVersionComputeConfig": {{prepare: deploymentVersion, path: build, body: `{"identity":"all"}`, status: http.StatusBadRequest}},

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

func workerDeployment(s *fixture) {
	s.call(http.MethodPost, "/namespaces/default/worker-deployments/${id}", `{"identity":"all","requestId":"${id}-first"}`)
}

// currentVersion prepares a version that is already the current one. When a version becomes current, the server may
// retry the change, and then returns the new version as the previous one.
func currentVersion(s *fixture) {
	deploymentVersion(s)
	s.call(http.MethodPost, "/namespaces/default/worker-deployments/${id}/set-current-version",
		`{"buildId":"1.0","identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`)
}

// rampingVersion prepares a version that is already ramping, for the reason in currentVersion.
func rampingVersion(s *fixture) {
	deploymentVersion(s)
	s.call(http.MethodPost, "/namespaces/default/worker-deployments/${id}/set-ramping-version",
		`{"buildId":"1.0","percentage":12.5,"identity":"all","ignoreMissingTaskQueues":true,"allowNoPollers":true}`)
}

func deploymentVersion(s *fixture) {
	workerDeployment(s)
	s.call(http.MethodPost, "/namespaces/default/worker-deployment-versions/${id}", versionBody)
}
