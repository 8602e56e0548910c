package schedule

import (
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/schedule/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// The default of the catchup window, which is that of the SDKs and the server, and the
// shortest one. The server silently lengthens a shorter one.
const (
	defaultCatchupWindow = 365 * 24 * time.Hour
	minCatchupWindow     = 10 * time.Second
)

// maxWorkflowIDBytes is the server's limit for a workflow id, without the time that the
// server appends.
const maxWorkflowIDBytes = 1000 - len("-2009-11-10T23:00:00Z")

// newSchedule returns the schedule of a request. Its spec, policies and state are never
// nil.
func newSchedule(v *convert.Validation, pointer string, body *openapi.Schedule) *schedule.Schedule {
	workflow, err := convert.NewWorkflow(&body.Action)
	v.Merge(pointer+"/action", err)
	if len(body.Action.WorkflowID) > maxWorkflowIDBytes {
		v.Add(pointer+"/action/workflowId", "must be at most 979 bytes")
	}
	return &schedule.Schedule{
		Action:   &schedule.ScheduleAction{Action: &schedule.ScheduleAction_StartWorkflow{StartWorkflow: workflow}},
		Spec:     newSpec(v, pointer+"/spec", &body.Spec),
		Policies: newPolicies(v, pointer+"/policy", body.Policy),
		State:    newState(v, pointer+"/state", body.State),
	}
}

func newPolicies(v *convert.Validation, pointer string, body *openapi.SchedulePolicy) *schedule.SchedulePolicies {
	if body == nil {
		body = &openapi.SchedulePolicy{}
	}
	policies := &schedule.SchedulePolicies{
		OverlapPolicy:  convert.Enum[enums.ScheduleOverlapPolicy](v, pointer+"/overlap", string(body.Overlap)),
		CatchupWindow:  v.Duration(pointer+"/catchupWindow", body.CatchupWindow),
		PauseOnFailure: body.PauseOnFailure,
	}
	if policies.GetOverlapPolicy() == enums.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED {
		policies.OverlapPolicy = enums.SCHEDULE_OVERLAP_POLICY_SKIP
	}
	switch {
	case policies.GetCatchupWindow() == nil:
		policies.CatchupWindow = durationpb.New(defaultCatchupWindow)
	case policies.GetCatchupWindow().AsDuration() < minCatchupWindow:
		v.Add(pointer+"/catchupWindow", "must be at least 10s")
	}
	return policies
}

func newState(v *convert.Validation, pointer string, body *openapi.ScheduleState) *schedule.ScheduleState {
	if body == nil {
		body = &openapi.ScheduleState{}
	}
	if body.RemainingActions < 0 {
		v.Add(pointer+"/remainingActions", "must not be negative")
	}
	if !body.LimitedActions && body.RemainingActions > 0 {
		v.Add(pointer+"/limitedActions", "must be true if there are remaining actions")
	}
	return &schedule.ScheduleState{
		Notes: body.Note, Paused: body.Paused, LimitedActions: body.LimitedActions, RemainingActions: body.RemainingActions,
	}
}

// newBackfill returns ranges of past times.
func newBackfill(v *convert.Validation, pointer string, list []openapi.ScheduleBackfill) []*schedule.BackfillRequest {
	if !v.AtMost(pointer, len(list), maxBackfill) {
		return nil
	}
	sent := make([]*schedule.BackfillRequest, len(list))
	for i, body := range list {
		at := indexed(pointer, i)
		v.Require(at+"/startAt", body.StartAt)
		v.Require(at+"/endAt", body.EndAt)
		sent[i] = &schedule.BackfillRequest{
			StartTime: v.Time(at+"/startAt", body.StartAt), EndTime: v.Time(at+"/endAt", body.EndAt),
			OverlapPolicy: convert.Enum[enums.ScheduleOverlapPolicy](v, at+"/overlap", string(body.Overlap)),
		}
		if sent[i].GetEndTime() != nil && sent[i].GetEndTime().AsTime().Before(sent[i].GetStartTime().AsTime()) {
			v.Add(at+"/endAt", "must not be before startAt")
		}
	}
	return sent
}

// renderSchedule is the inverse of [newSchedule]. It shows the defaults that are in force.
func renderSchedule(s *schedule.Schedule) openapi.Schedule {
	policies, state := s.GetPolicies(), s.GetState()
	overlap := policies.GetOverlapPolicy()
	if overlap == enums.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED {
		overlap = enums.SCHEDULE_OVERLAP_POLICY_SKIP
	}
	return openapi.Schedule{
		Action: convert.RenderNewWorkflow(s.GetAction().GetStartWorkflow()),
		Spec:   renderSpec(s.GetSpec()),
		Policy: &openapi.SchedulePolicy{
			Overlap: openapi.ScheduleOverlapPolicy(convert.EnumName(overlap)), CatchupWindow: convert.FormatDuration(policies.GetCatchupWindow()),
			PauseOnFailure: policies.GetPauseOnFailure(),
		},
		State: &openapi.ScheduleState{
			Note: state.GetNotes(), Paused: state.GetPaused(),
			LimitedActions: state.GetLimitedActions(), RemainingActions: state.GetRemainingActions(),
		},
	}
}

func renderInfo(info *schedule.ScheduleInfo) openapi.ScheduleInfo {
	return openapi.ScheduleInfo{
		NumActions: info.GetActionCount(), NumActionsMissedCatchupWindow: info.GetMissedCatchupWindow(),
		NumActionsSkippedOverlap: info.GetOverlapSkipped(), BufferSize: info.GetBufferSize(), BufferDropped: info.GetBufferDropped(),
		RunningActions: renderRunning(info.GetRunningWorkflows()), RecentActions: renderResults(info.GetRecentActions()),
		NextActionTimes: formatTimes(info.GetFutureActionTimes()),
		CreatedAt:       formatTime(info.GetCreateTime()), LastUpdatedAt: formatTime(info.GetUpdateTime()), StateSizeBytes: info.GetStateSizeBytes(),
	}
}

func renderRunning(list []*common.WorkflowExecution) []openapi.ScheduleActionExecution {
	var rendered []openapi.ScheduleActionExecution
	for _, e := range list {
		rendered = append(rendered, openapi.ScheduleActionExecution{WorkflowID: e.GetWorkflowId(), FirstExecutionRunID: e.GetRunId()})
	}
	return rendered
}

func renderResults(list []*schedule.ScheduleActionResult) []openapi.ScheduleActionResult {
	var rendered []openapi.ScheduleActionResult
	for _, r := range list {
		rendered = append(rendered, openapi.ScheduleActionResult{
			ScheduledAt: formatTime(r.GetScheduleTime()), StartedAt: formatTime(r.GetActualTime()),
			WorkflowID: r.GetStartWorkflowResult().GetWorkflowId(), FirstExecutionRunID: r.GetStartWorkflowResult().GetRunId(),
			Status: convert.EnumName(r.GetStartWorkflowStatus()),
		})
	}
	return rendered
}

// listEntry is what a list has of a schedule and of its actions.
type listEntry struct {
	Schedule openapi.ScheduleListSchedule `json:"schedule"`
	Info     openapi.ScheduleListInfo     `json:"info"`
}

func renderListInfo(info *schedule.ScheduleListInfo) listEntry {
	return listEntry{
		Schedule: openapi.ScheduleListSchedule{
			Action: openapi.ScheduleListAction{WorkflowType: info.GetWorkflowType().GetName()},
			Spec:   renderSpec(info.GetSpec()),
			State:  openapi.ScheduleListState{Note: info.GetNotes(), Paused: info.GetPaused()},
		},
		Info: openapi.ScheduleListInfo{
			RecentActions: renderResults(info.GetRecentActions()), NextActionTimes: formatTimes(info.GetFutureActionTimes()),
			StateSizeBytes: info.GetStateSizeBytes(),
		},
	}
}

// formatTime formats a time as RFC 3339 in UTC. It returns an empty string for no time. In
// contrast to [convert.FormatTime], the epoch is a time.
func formatTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Format(time.RFC3339Nano)
}

func formatTimes(list []*timestamppb.Timestamp) []string {
	var formatted []string
	for _, t := range list {
		formatted = append(formatted, formatTime(t))
	}
	return formatted
}
