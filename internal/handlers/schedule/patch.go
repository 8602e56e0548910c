package schedule

import (
	"cmp"
	"context"
	"net/http"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// The notes if the caller sends none. With an empty note, the server ignores the request.
const (
	defaultPauseNote   = "Paused through Flowgate."
	defaultUnpauseNote = "Unpaused through Flowgate."
)

// maxNoteBytes is the server's limit for a note.
const maxNoteBytes = 1000

// PauseSchedule is the SDK's ScheduleHandle.pause.
func (s *Service) PauseSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	operation.Serve(s.adapter, w, r, patchSpec("pauseSchedule", namespace, operation.BodyOptional), func(
		ctx context.Context, req *operation.Request, params *openapi.PauseScheduleParams, body *openapi.PauseScheduleRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		checkNote(&v, body.Note)
		return s.patch(ctx, req, scheduleID, params.ScheduleID, &v, &schedule.SchedulePatch{Pause: cmp.Or(body.Note, defaultPauseNote)})
	})
}

// UnpauseSchedule is the SDK's ScheduleHandle.unpause.
func (s *Service) UnpauseSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	operation.Serve(s.adapter, w, r, patchSpec("unpauseSchedule", namespace, operation.BodyOptional), func(
		ctx context.Context, req *operation.Request, params *openapi.UnpauseScheduleParams, body *openapi.UnpauseScheduleRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		checkNote(&v, body.Note)
		return s.patch(ctx, req, scheduleID, params.ScheduleID, &v, &schedule.SchedulePatch{Unpause: cmp.Or(body.Note, defaultUnpauseNote)})
	})
}

// TriggerSchedule is the SDK's ScheduleHandle.trigger.
func (s *Service) TriggerSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	operation.Serve(s.adapter, w, r, patchSpec("triggerSchedule", namespace, operation.BodyOptional), func(
		ctx context.Context, req *operation.Request, params *openapi.TriggerScheduleParams, body *openapi.TriggerScheduleRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		trigger := &schedule.TriggerImmediatelyRequest{
			OverlapPolicy: convert.Enum[enums.ScheduleOverlapPolicy](&v, "/overlap", string(body.Overlap)),
		}
		return s.patch(ctx, req, scheduleID, params.ScheduleID, &v, &schedule.SchedulePatch{TriggerImmediately: trigger})
	})
}

// BackfillSchedule is the SDK's ScheduleHandle.backfill.
func (s *Service) BackfillSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	operation.Serve(s.adapter, w, r, patchSpec("backfillSchedule", namespace, operation.BodyRequired), func(
		ctx context.Context, req *operation.Request, params *openapi.BackfillScheduleParams, body *openapi.BackfillScheduleRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		if len(body.Backfill) == 0 {
			v.Add("/backfill", "must have at least one element")
		}
		patch := &schedule.SchedulePatch{BackfillRequest: newBackfill(&v, "/backfill", body.Backfill)}
		return s.patch(ctx, req, scheduleID, params.ScheduleID, &v, patch)
	})
}

func patchSpec(name, namespace string, body operation.BodyRule) operation.Spec {
	return operation.Spec{
		Name: name, Namespace: namespace, Body: body, Method: workflowservice.WorkflowService_PatchSchedule_FullMethodName,
	}
}

// patch sends a patch, unless the request is invalid. Segment and parameter are the two
// places of the schedule id.
func (s *Service) patch(
	ctx context.Context, req *operation.Request, segment, parameter string, v *convert.Validation, patch *schedule.SchedulePatch,
) (*operation.Response, error) {
	id, err := convert.ID("scheduleId", segment, parameter)
	if err == nil {
		err = v.Err()
	}
	if err != nil {
		return nil, err
	}
	stamp, err := req.Stamp(id)
	if err != nil {
		return nil, err
	}
	err = s.upstream.Do(ctx, req.Method, &workflowservice.PatchScheduleRequest{
		Namespace: req.Namespace, ScheduleId: id, Patch: patch, Identity: stamp.Identity, RequestId: stamp.RequestID,
	}, &workflowservice.PatchScheduleResponse{})
	return operation.NoContent(), withID(err, id)
}

func checkNote(v *convert.Validation, note string) {
	if len(note) > maxNoteBytes {
		v.Add("/note", "must be at most 1000 bytes")
	}
}
