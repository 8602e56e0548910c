package schedule

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// ListScheduleMatchingTimes returns the times of a schedule in a range.
func (s *Service) ListScheduleMatchingTimes(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	spec := operation.Spec{
		Name: "listScheduleMatchingTimes", Namespace: namespace,
		Method: workflowservice.WorkflowService_ListScheduleMatchingTimes_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, params *openapi.ListScheduleMatchingTimesParams, _ *operation.None,
	) (*operation.Response, error) {
		id, err := convert.ID("scheduleId", scheduleID, params.ScheduleID)
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		request := &workflowservice.ListScheduleMatchingTimesRequest{
			Namespace: namespace, ScheduleId: id,
			StartTime: v.Time("?startTime", params.StartTime), EndTime: v.Time("?endTime", params.EndTime),
		}
		v.Require("?startTime", params.StartTime)
		v.Require("?endTime", params.EndTime)
		if err := v.Err(); err != nil {
			return nil, err
		}
		response := &workflowservice.ListScheduleMatchingTimesResponse{}
		if err := s.upstream.Do(ctx, spec.Method, request, response); err != nil {
			return nil, withID(err, id)
		}
		times := openapi.ScheduleMatchingTimes{StartTimes: formatTimes(response.GetStartTime())}
		if times.StartTimes == nil {
			times.StartTimes = []string{}
		}
		return operation.OK(times), nil
	})
}
