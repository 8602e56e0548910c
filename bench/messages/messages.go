package messages

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/version/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
)

// Responses returns the responses of the upstream by the full name of the method.
func Responses() map[string]proto.Message {
	return map[string]proto.Message{
		workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName:      startResponse(),
		workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName:     &workflowservice.SignalWorkflowExecutionResponse{},
		workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName:   describeResponse(),
		workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName:      listResponse(),
		workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName: historyResponse(),
		workflowservice.WorkflowService_GetSystemInfo_FullMethodName: &workflowservice.GetSystemInfoResponse{
			ServerVersion: "1.32.1",
			Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{
				SignalAndQueryHeader: true, InternalErrorDifferentiation: true, ActivityFailureIncludeHeartbeat: true,
				SupportsSchedules: true, EncodedFailureAttributes: true, BuildIdBasedVersioning: true, UpsertMemo: true,
				EagerWorkflowStart: true, SdkMetadata: true, CountGroupByExecutionStatus: true, Nexus: true,
			},
		},
		workflowservice.WorkflowService_GetClusterInfo_FullMethodName: &workflowservice.GetClusterInfoResponse{
			ServerVersion: "1.32.1", ClusterId: clusterID, ClusterName: "active", HistoryShardCount: 4, VersionInfo: &version.VersionInfo{},
		},
		grpc_health_v1.Health_Check_FullMethodName: &grpc_health_v1.HealthCheckResponse{
			Status: grpc_health_v1.HealthCheckResponse_SERVING,
		},
	}
}

// StartRequest returns the request to start a workflow.
func StartRequest() *workflowservice.StartWorkflowExecutionRequest {
	return &workflowservice.StartWorkflowExecutionRequest{
		Namespace: Namespace, WorkflowId: WorkflowID, WorkflowType: workflowType(), TaskQueue: taskQueue(),
		Input: payloads(Argument), WorkflowRunTimeout: seconds(3600), Identity: "bench", RequestId: RequestID,
	}
}

// SignalRequest returns the request to signal the workflow.
func SignalRequest() *workflowservice.SignalWorkflowExecutionRequest {
	return &workflowservice.SignalWorkflowExecutionRequest{
		Namespace: Namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: WorkflowID}, SignalName: Signal,
		Input: payloads(Approval), Identity: "bench", RequestId: RequestID,
	}
}

// DescribeRequest returns the request to describe the workflow.
func DescribeRequest() *workflowservice.DescribeWorkflowExecutionRequest {
	return &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: Namespace, Execution: &common.WorkflowExecution{WorkflowId: WorkflowID},
	}
}

// ListRequest returns the request for a page of workflows.
func ListRequest() *workflowservice.ListWorkflowExecutionsRequest {
	return &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: Namespace, PageSize: ExecutionCount, Query: `WorkflowType = "Order"`,
	}
}

// HistoryRequest returns the request for all events of the workflow.
func HistoryRequest() *workflowservice.GetWorkflowExecutionHistoryRequest {
	return &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: Namespace, Execution: &common.WorkflowExecution{WorkflowId: WorkflowID}, MaximumPageSize: EventCount,
	}
}

// WaitRequest returns the long poll for the close event of the workflow.
func WaitRequest() *workflowservice.GetWorkflowExecutionHistoryRequest {
	return &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: Namespace, Execution: &common.WorkflowExecution{WorkflowId: WorkflowID}, WaitNewEvent: true,
		HistoryEventFilterType: enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
	}
}
