package e2e_test

import "encoding/json"

// The types of response bodies. encoding/json matches member names case-insensitively, and [contract] checks their
// case.
type (
	started struct {
		WorkflowID, RunID, FirstExecutionRunID string
		Started                                bool
	}

	outcome struct {
		WorkflowID, RunID, FirstExecutionRunID, NewRunID, Status string

		Result        json.RawMessage
		ResultPayload *payload
		Failure       *failure
	}

	payload struct {
		Metadata map[string][]byte
		Data     []byte
		JSON     json.RawMessage
	}

	failure struct {
		Message, Kind, Type, RetryState, TimeoutType   string
		ActivityType, ActivityID, Identity, WorkflowID string
		NonRetryable                                   bool
		Details, LastHeartbeatDetails                  []json.RawMessage
		DetailPayloads                                 []payload
		Cause                                          *failure
	}

	problem struct {
		Type, Title, Detail, Instance, Code, RequestID, GRPCCode string

		WorkflowID, RunID, FirstExecutionRunID, WorkflowStatus, UpdateID, ScheduleID, ETag string

		Status     int
		Retryable  bool
		RetryAfter int
		Failure    *failure
		GRPCStatus []byte
		Errors     []struct{ Pointer, Detail string }
	}

	updated struct {
		WorkflowID, RunID, UpdateID, Stage, Status string

		Result  json.RawMessage
		Failure *failure
	}

	updatedWithStart struct {
		Start  started
		Update updated
	}

	queried struct {
		Result        json.RawMessage
		ResultPayload *payload
	}

	execution struct{ Namespace, WorkflowID, RunID string }

	attribute struct {
		Type  string
		Value json.RawMessage
	}

	workflow struct {
		WorkflowID, RunID, FirstExecutionRunID, WorkflowType, TaskQueue, Status string

		StartTime, CloseTime, ExecutionExpirationTime, RunExpirationTime string

		ExecutionTimeout, RunTimeout, TaskTimeout string

		StaticSummary, StaticDetails string

		HistoryLength       int
		CancelRequested     bool
		Memo                map[string]json.RawMessage
		MemoPayloads        map[string]payload
		SearchAttributes    map[string]attribute
		Parent, Root        *execution
		Priority            json.RawMessage
		PendingActivities   []pendingActivity
		PendingChildren     []pendingChild
		PendingWorkflowTask *struct{ State string }
	}

	pendingActivity struct {
		ActivityID, ActivityType, State, CurrentRetryInterval, StartToCloseTimeout, LastWorkerIdentity string

		Attempt          int
		HeartbeatDetails []json.RawMessage
		LastFailure      *failure
	}

	pendingChild struct{ WorkflowID, RunID, WorkflowType, ParentClosePolicy string }

	workflowList struct {
		Workflows     []workflow
		NextPageToken string
	}

	workflowCount struct {
		Count  int
		Groups []struct {
			Values []string
			Count  int
		}
	}

	described struct{ Name, Description string }

	workflowMetadata struct {
		CurrentDetails string
		Definition     struct {
			Type                      string
			Queries, Signals, Updates []described
		}
	}
)
