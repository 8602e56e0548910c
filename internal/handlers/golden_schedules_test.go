package handlers_test

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	goldenAction          = `"action":{"workflowType":"Report","workflowId":"report","taskQueue":"reports","args":[{"price":1.10}]}`
	goldenCreateSchedule  = `{"scheduleId":"nightly","schedule":{` + goldenAction + `,"spec":{"cronExpressions":["CRON_TZ=Europe/Zurich 0 2 * * *"]}},"memo":{"owner":"ann"}}`
	goldenReplaceSchedule = `{"schedule":{` + goldenAction + `,"spec":{"calendars":[{"hour":"9-17","dayOfWeek":"MON-FRI"}],"intervals":[{"every":"6h"}]}}}`
)

// respondToSchedules makes the upstream respond to the RPCs about schedules. It has one, and applies updates.
func respondToSchedules(up *upstreamtest.Server) {
	var mu sync.Mutex
	current := goldenSchedule()
	up.Handle("UpdateSchedule", upstreamtest.Typed(func(_ context.Context, r *workflowservice.UpdateScheduleRequest) (*workflowservice.UpdateScheduleResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		current.Schedule, current.ConflictToken = r.GetSchedule(), binary.BigEndian.AppendUint64(nil, 3)
		return &workflowservice.UpdateScheduleResponse{}, nil
	}))
	up.Handle("DescribeSchedule", upstreamtest.Typed(func(context.Context, *workflowservice.DescribeScheduleRequest) (*workflowservice.DescribeScheduleResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		return proto.CloneOf(current), nil
	}))
	for method, response := range map[string]proto.Message{
		"CreateSchedule": &workflowservice.CreateScheduleResponse{}, "PatchSchedule": &workflowservice.PatchScheduleResponse{},
		"DeleteSchedule": &workflowservice.DeleteScheduleResponse{}, "CountSchedules": &workflowservice.CountSchedulesResponse{Count: 3},
		"ListScheduleMatchingTimes": &workflowservice.ListScheduleMatchingTimesResponse{StartTime: []*timestamppb.Timestamp{goldenScheduleTime()}},
		"ListSchedules": &workflowservice.ListSchedulesResponse{NextPageToken: []byte("next"), Schedules: []*schedule.ScheduleListEntry{{
			ScheduleId: "nightly", Memo: current.GetMemo(), SearchAttributes: current.GetSearchAttributes(),
			Info: &schedule.ScheduleListInfo{
				Spec: current.GetSchedule().GetSpec(), WorkflowType: &common.WorkflowType{Name: "Report"}, Notes: "on trial", Paused: true,
				RecentActions: current.GetInfo().GetRecentActions(), FutureActionTimes: current.GetInfo().GetFutureActionTimes(),
			},
		}}},
	} {
		up.Handle(method, upstreamtest.Respond(response))
	}
}

func goldenScheduleTime() *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC))
}

func goldenSchedule() *workflowservice.DescribeScheduleResponse {
	full := []*schedule.Range{{Start: 0, End: 0, Step: 1}}
	run := &common.WorkflowExecution{WorkflowId: "report-2026-11-21T01:00:00Z", RunId: temporalfake.RunID}
	keyword := map[string][]byte{"encoding": []byte("json/plain"), "type": []byte("Keyword")}
	return &workflowservice.DescribeScheduleResponse{
		ConflictToken:    binary.BigEndian.AppendUint64(nil, 2),
		Memo:             &common.Memo{Fields: jsonFields(`"ann"`, "owner")},
		SearchAttributes: &common.SearchAttributes{IndexedFields: map[string]*common.Payload{"CustomerId": {Metadata: keyword, Data: []byte(`"c-1"`)}}},
		Schedule: &schedule.Schedule{
			Action: &schedule.ScheduleAction{Action: &schedule.ScheduleAction_StartWorkflow{StartWorkflow: &workflow.NewWorkflowExecutionInfo{
				WorkflowId: "report", WorkflowType: &common.WorkflowType{Name: "Report"}, TaskQueue: &taskqueue.TaskQueue{Name: "reports"},
				Input: jsonPayloads(`{"price":1.10}`), WorkflowRunTimeout: durationpb.New(10 * time.Minute),
			}}},
			Spec: &schedule.ScheduleSpec{
				StructuredCalendar: []*schedule.StructuredCalendarSpec{
					{
						Second: full, Minute: full, Hour: []*schedule.Range{{Start: 9, End: 17, Step: 1}}, DayOfMonth: []*schedule.Range{{Start: 1, End: 31, Step: 1}},
						Month: []*schedule.Range{{Start: 1, End: 12, Step: 1}}, DayOfWeek: []*schedule.Range{{Start: 1, End: 5, Step: 1}}, Comment: "office hours",
					},
					{
						Second: full, Minute: full, Hour: []*schedule.Range{{Start: 2, End: 2, Step: 1}}, DayOfMonth: []*schedule.Range{{Start: 1, End: 31, Step: 1}},
						Month: []*schedule.Range{{Start: 1, End: 12, Step: 1}}, DayOfWeek: []*schedule.Range{{Start: 0, End: 6, Step: 1}},
						Comment: "cron: CRON_TZ=Europe/Zurich 0 2 * * *",
					},
				},
				TimezoneName: "Europe/Zurich", Jitter: durationpb.New(1500 * time.Millisecond), EndTime: goldenScheduleTime(),
			},
			Policies: &schedule.SchedulePolicies{OverlapPolicy: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE, CatchupWindow: durationpb.New(time.Hour), PauseOnFailure: true},
			State:    &schedule.ScheduleState{Notes: "on trial", LimitedActions: true, RemainingActions: 7},
		},
		Info: &schedule.ScheduleInfo{
			ActionCount: 4, MissedCatchupWindow: 1, OverlapSkipped: 2, BufferSize: 1, RunningWorkflows: []*common.WorkflowExecution{run},
			RecentActions: []*schedule.ScheduleActionResult{{
				ScheduleTime: goldenScheduleTime(), ActualTime: goldenScheduleTime(), StartWorkflowResult: run,
				StartWorkflowStatus: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
			}},
			FutureActionTimes: []*timestamppb.Timestamp{goldenScheduleTime()}, CreateTime: goldenScheduleTime(), UpdateTime: goldenScheduleTime(),
		},
	}
}

func jsonFields(value string, name string) map[string]*common.Payload {
	return map[string]*common.Payload{name: jsonPayloads(value).GetPayloads()[0]}
}
