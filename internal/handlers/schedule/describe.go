package schedule

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
)

// descriptionFactor is the memory that a response with a schedule needs, as a multiple of its size on the wire. A range
// has two bytes on the wire if all its fields are 0. It becomes two messages, two structs and 30 bytes of JSON. Another
// client can have stored a schedule with thousands of them.
const descriptionFactor = 64

// DescribeSchedule is the SDK's ScheduleHandle.describe.
func (s *Service) DescribeSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	spec := operation.Spec{
		Name: "describeSchedule", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeSchedule_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.DescribeScheduleParams, _ *operation.None,
	) (*operation.Response, error) {
		id, err := convert.ID("scheduleId", scheduleID, params.ScheduleID)
		if err != nil {
			return nil, err
		}
		description, err := s.describe(ctx, req, id)
		if err != nil {
			return nil, err
		}
		return respondWith(id, description), nil
	})
}

// DeleteSchedule is the SDK's ScheduleHandle.delete.
func (s *Service) DeleteSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	spec := operation.Spec{
		Name: "deleteSchedule", Namespace: namespace,
		Method: workflowservice.WorkflowService_DeleteSchedule_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.DeleteScheduleParams, _ *operation.None,
	) (*operation.Response, error) {
		id, err := convert.ID("scheduleId", scheduleID, params.ScheduleID)
		if err != nil {
			return nil, err
		}
		err = s.upstream.Do(ctx, spec.Method, &workflowservice.DeleteScheduleRequest{
			Namespace: namespace, ScheduleId: id, Identity: req.Identity(),
		}, &workflowservice.DeleteScheduleResponse{})
		return operation.NoContent(), withID(err, id)
	})
}

// describe reads a schedule. It reserves the memory that a response with the schedule
// needs, before it decodes the schedule.
func (s *Service) describe(ctx context.Context, req *operation.Request, id string) (*workflowservice.DescribeScheduleResponse, error) {
	response, err := s.upstream.Call(ctx, workflowservice.WorkflowService_DescribeSchedule_FullMethodName,
		&workflowservice.DescribeScheduleRequest{Namespace: req.Namespace, ScheduleId: id})
	if err != nil {
		return nil, withID(err, id)
	}
	defer response.Release()
	if err := req.Reserve(ctx, descriptionFactor*len(response.Bytes())); err != nil {
		return nil, err
	}
	description := &workflowservice.DescribeScheduleResponse{}
	if err := proto.Unmarshal(response.Bytes(), description); err != nil {
		return nil, problem.UnreadableResponse(err)
	}
	return description, nil
}

// respondWith returns a response with a schedule and its entity tag.
func respondWith(id string, d *workflowservice.DescribeScheduleResponse) *operation.Response {
	body := openapi.ScheduleDescription{
		ScheduleID: id, Schedule: renderSchedule(d.GetSchedule()), Info: renderInfo(d.GetInfo()),
		SearchAttributes: convert.RenderSearchAttributes(d.GetSearchAttributes()),
	}
	body.Memo, body.MemoPayloads = convert.RenderMemo(d.GetMemo())
	return operation.OK(body).WithETag(entityTag(d))
}
