package temporalhttp_test

import (
	"net/http"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// workerExamples returns the examples for workers and task queues.
func workerExamples() map[string][]example {
	return map[string][]example{
		"DescribeTaskQueue": {
			{query: "taskQueueType=TASK_QUEUE_TYPE_ACTIVITY&reportStats=true&reportConfig=true"},
			{
				about: "enhanced", prepare: workflowWithoutWorker,
				query: "apiMode=DESCRIBE_TASK_QUEUE_MODE_ENHANCED&taskQueueTypes=1&taskQueueTypes=TASK_QUEUE_TYPE_ACTIVITY" +
					"&reportTaskReachability=true&reportPollers=true&versions.unversioned=true&versions.buildIds=a&versions.buildIds=b",
			},
			{about: "status", query: "includeTaskQueueStatus=true&taskQueue.kind=TASK_QUEUE_KIND_NORMAL"},
			{about: "pollers", path: map[string]string{"name": "orders"}, query: "taskQueueType=1"},
		},
		"UpdateTaskQueueConfig": {{
			body: `{"identity":"all","taskQueueType":"TASK_QUEUE_TYPE_ACTIVITY",
				"updateQueueRateLimit":{"rateLimit":{"requestsPerSecond":12.5},"reason":"slow"},
				"updateFairnessKeyRateLimitDefault":{"rateLimit":{"requestsPerSecond":3},"reason":"fair"},
				"setFairnessWeightOverrides":{"tenant":2.5}}`,
		}},
		"GetWorkerBuildIdCompatibility": {{prepare: buildIDs, query: "maxSets=5"}},
		"GetWorkerVersioningRules":      {{prepare: versioningRules}},
		"GetWorkerTaskReachability": {
			{prepare: buildIDs, query: "buildIds=1.0&taskQueues=${id}&reachability=TASK_REACHABILITY_EXISTING_WORKFLOWS"},
			{about: "no build id", query: "taskQueues=${id}", status: http.StatusBadRequest},
		},
		"RecordWorkerHeartbeat": {{
			body:  `{"identity":"all","workerHeartbeat":[` + heartbeat + `]}`,
			after: "/namespaces/default/workers/describe/${id}",
		}},
		"ListWorkers":  {{prepare: heartbeatWorker, query: "pageSize=5&query=WorkerInstanceKey%3D%22${id}%22"}},
		"CountWorkers": {{prepare: heartbeatWorker, query: "query=WorkerInstanceKey%3D%22${id}%22"}},
		"DescribeWorker": {
			{prepare: heartbeatWorker},
			{about: "absent", status: http.StatusNotFound},
		},
		"FetchWorkerConfig": {{
			reads: true, prepare: heartbeatWorker, body: `{"identity":"all","reason":"why","selector":{"workerInstanceKey":"${id}"}}`,
			status: http.StatusNotImplemented,
		}},
		"UpdateWorkerConfig": {{
			prepare: heartbeatWorker,
			body: `{"identity":"all","workerConfig":{"workflowCacheSize":5},"updateMask":"workflowCacheSize",
				"selector":{"workerInstanceKey":"${id}"}}`,
			status: http.StatusNotImplemented,
		}},
	}
}

const heartbeat = `{"workerInstanceKey":"${id}","workerIdentity":"tester","taskQueue":"${id}","sdkName":"none","sdkVersion":"1.2.3",
	"hostInfo":{"hostName":"box","workerGroupingKey":"1","processId":"42","currentHostCpuUsage":0.25,"currentHostMemUsage":0.5},
	"status":"WORKER_STATUS_RUNNING","startTime":"2030-01-01T00:00:00Z","heartbeatTime":"2030-01-01T00:01:00.000000001Z",
	"elapsedSinceLastHeartbeat":"60s","workflowTaskSlotsInfo":{"currentAvailableSlots":10,"slotSupplierKind":"Fixed"},
	"totalStickyCacheHit":7,"plugins":[{"name":"p","version":"1"}]}`

func heartbeatWorker(s *fixture) {
	s.call(http.MethodPost, "/namespaces/default/workers/heartbeat", `{"identity":"all","workerHeartbeat":[`+heartbeat+`]}`)
	e2etest.Eventually(s.T, "the worker is described", func() bool {
		_, ok := s.tryCall(http.MethodGet, "/namespaces/default/workers/describe/${id}", "")
		return ok
	})
}

func buildIDs(s *fixture) {
	_, err := shared.server.UpdateWorkerBuildIdCompatibility(s.Context(), &workflowservice.UpdateWorkerBuildIdCompatibilityRequest{
		Namespace: "default", TaskQueue: s.id(),
		Operation: &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_AddNewBuildIdInNewDefaultSet{AddNewBuildIdInNewDefaultSet: "1.0"},
	})
	require.NoError(s, err)
}

func versioningRules(s *fixture) {
	rules, err := shared.server.GetWorkerVersioningRules(s.Context(),
		&workflowservice.GetWorkerVersioningRulesRequest{Namespace: "default", TaskQueue: s.id()})
	require.NoError(s, err)
	_, err = shared.server.UpdateWorkerVersioningRules(s.Context(), &workflowservice.UpdateWorkerVersioningRulesRequest{
		Namespace: "default", TaskQueue: s.id(), ConflictToken: rules.GetConflictToken(),
		Operation: &workflowservice.UpdateWorkerVersioningRulesRequest_CommitBuildId_{
			CommitBuildId: &workflowservice.UpdateWorkerVersioningRulesRequest_CommitBuildId{TargetBuildId: "1.0", Force: true},
		},
	})
	require.NoError(s, err)
}
