package schedule

import (
	"context"
	"net/http"
	"strconv"

	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// maxBackfill bounds the ranges of a backfill. It is the number that the server processes
// at the same time for one schedule.
const maxBackfill = 100

// maxIDBytes is the server's limit for a workflow id, without the prefix that it adds to
// a schedule id.
const maxIDBytes = 1000 - len("temporal-sys-scheduler:")

// CreateSchedule is the SDK's create_schedule.
func (s *Service) CreateSchedule(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "createSchedule", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_CreateSchedule_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.CreateScheduleRequest,
	) (*operation.Response, error) {
		stamp, err := req.Stamp(body.ScheduleID)
		if err != nil {
			return nil, err
		}
		request, err := createRequest(stamp, body)
		if err != nil {
			return nil, err
		}
		if err := s.upstream.Do(ctx, spec.Method, request, &workflowservice.CreateScheduleResponse{}); err != nil {
			return nil, withID(err, body.ScheduleID)
		}
		response := operation.Created(openapi.CreatedSchedule{ScheduleID: body.ScheduleID}, convert.SchedulePath(namespace, body.ScheduleID))
		// The entity tag is that of what the server has made of the request. Without it, the schedule is created nevertheless.
		if created, err := s.describe(ctx, req, body.ScheduleID); err == nil {
			return response.WithETag(entityTag(created)), nil
		}
		return response, nil
	})
}

func createRequest(stamp convert.Stamp, body *openapi.CreateScheduleRequest) (*workflowservice.CreateScheduleRequest, error) {
	var v convert.Validation
	checkID(&v, "/scheduleId", body.ScheduleID)
	setUserMetadata(&v, body)
	request := &workflowservice.CreateScheduleRequest{
		Namespace: stamp.Namespace, ScheduleId: body.ScheduleID, Identity: stamp.Identity, RequestId: stamp.RequestID,
		Schedule:         newSchedule(&v, "/schedule", &body.Schedule),
		Memo:             v.Memo(body.Memo, body.MemoPayloads),
		SearchAttributes: v.SearchAttributes(body.SearchAttributes),
	}
	if state := request.GetSchedule().GetState(); state.GetLimitedActions() && state.GetRemainingActions() == 0 {
		v.Add("/schedule/state/remainingActions", "must be above zero if limitedActions is true")
	}
	patch := &schedule.SchedulePatch{BackfillRequest: newBackfill(&v, "/backfill", body.Backfill)}
	if body.TriggerImmediately {
		patch.TriggerImmediately = &schedule.TriggerImmediatelyRequest{OverlapPolicy: request.GetSchedule().GetPolicies().GetOverlapPolicy()}
	}
	if body.TriggerImmediately || len(body.Backfill) > 0 {
		request.InitialPatch = patch
	}
	return request, v.Err()
}

// setUserMetadata moves the summary and the details to the action, where newer versions of
// the SDK have them.
func setUserMetadata(v *convert.Validation, body *openapi.CreateScheduleRequest) {
	move := func(pointer, text string, to *string) {
		switch {
		case text == "":
		case *to != "":
			v.Add(pointer, "must not be sent together with /schedule/action"+pointer)
		default:
			*to = text
		}
	}
	move("/staticSummary", body.StaticSummary, &body.Schedule.Action.StaticSummary)
	move("/staticDetails", body.StaticDetails, &body.Schedule.Action.StaticDetails)
}

func checkID(v *convert.Validation, pointer, id string) {
	v.CheckID(pointer, id)
	if len(id) > maxIDBytes {
		v.Add(pointer, "must be at most "+strconv.Itoa(maxIDBytes)+" bytes")
	}
}

// indexed returns the JSON pointer of an element of a list.
func indexed(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }
