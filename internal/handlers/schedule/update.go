package schedule

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/problem"
)

// maxUpdates bounds how often a change is sent because other changes came first.
const maxUpdates = 10

// maxUnchanged bounds the updates in a row that leave the content of the schedule as it
// was, and not as requested. Then no other change replaces this one: the server stores it
// in another form.
const maxUnchanged = 3

// state is what an update replaces. Attributes are nil if the schedule keeps its search
// attributes.
type state struct {
	schedule   *schedule.Schedule
	attributes *common.SearchAttributes
}

// ReplaceSchedule is the SDK's ScheduleHandle.update, with the result of its callback.
func (s *Service) ReplaceSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	spec := updateSpec("replaceSchedule", namespace)
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.ReplaceScheduleParams, body *openapi.ReplaceScheduleRequest,
	) (*operation.Response, error) {
		id, err := convert.ID("scheduleId", scheduleID, params.ScheduleID)
		if err != nil {
			return nil, err
		}
		wanted, err := newReplacement(body)
		if err != nil {
			return nil, err
		}
		return s.update(ctx, req, id, func(*workflowservice.DescribeScheduleResponse) (state, error) { return wanted, nil })
	})
}

// PatchSchedule changes a part of a schedule by a JSON Merge Patch.
func (s *Service) PatchSchedule(w http.ResponseWriter, r *http.Request, namespace, scheduleID string) {
	spec := updateSpec("patchSchedule", namespace)
	spec.MergePatch = true
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.PatchScheduleParams, patch *openapi.SchedulePatch,
	) (*operation.Response, error) {
		id, err := convert.ID("scheduleId", scheduleID, params.ScheduleID)
		if err != nil {
			return nil, err
		}
		return s.update(ctx, req, id, func(current *workflowservice.DescribeScheduleResponse) (state, error) {
			body := &openapi.ReplaceScheduleRequest{}
			err := req.Decode(ctx, req.BodySize, func() error {
				merged, err := mergeSchedule(current, *patch)
				if err != nil {
					return err
				}
				return req.DecodeValue(merged, body)
			})
			if err != nil {
				return state{}, err
			}
			return newReplacement(body)
		})
	})
}

func updateSpec(name, namespace string) operation.Spec {
	return operation.Spec{
		Name: name, Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_UpdateSchedule_FullMethodName,
		Authorize: func(_ context.Context, req *operation.Request) error { // the response has the whole schedule
			return req.AuthorizeCall(workflowservice.WorkflowService_DescribeSchedule_FullMethodName)
		},
	}
}

// newReplacement returns the state that a request asks for.
func newReplacement(body *openapi.ReplaceScheduleRequest) (state, error) {
	var v convert.Validation
	wanted := state{schedule: newSchedule(&v, "/schedule", &body.Schedule)}
	if body.SearchAttributes != nil {
		for name, value := range body.SearchAttributes {
			if isRemoved(value) { // an attribute that is not sent is removed
				delete(body.SearchAttributes, name)
			}
		}
		if wanted.attributes = v.SearchAttributes(body.SearchAttributes); wanted.attributes == nil {
			wanted.attributes = &common.SearchAttributes{} // removes all
		}
	}
	return wanted, v.Err()
}

// isRemoved reports whether the server removes a search attribute that is sent with a
// value: it drops a null and an empty list.
func isRemoved(value openapi.SearchAttributeInput) bool {
	if value.Kind() == '{' {
		var typed payload.SearchAttribute
		if err := json.Unmarshal(value, &typed, json.RejectUnknownMembers(true)); err != nil {
			return false // which the conversion reports
		}
		value = typed.Value
	}
	return value.Kind() == jsontext.KindNull || len(value) > 0 && value[0] == '[' && len(bytes.TrimSpace(value[1:len(value)-1])) == 0
}

// update changes a schedule to what build makes of it, if the schedule has the entity
// tag of If-Match. If another change comes first, update starts again: with If-Match, that
// change is then detected, and without it, build is applied to the result of that change.
//
// The server compares the conflict token of an update with that of the schedule, and if
// they differ, drops the update and reports success. So update reads the schedule again.
// It cannot distinguish its own change from an equal one of another caller.
func (s *Service) update(
	ctx context.Context, req *operation.Request, id string,
	build func(*workflowservice.DescribeScheduleResponse) (state, error),
) (*operation.Response, error) {
	expected, conditional, err := req.IfMatch()
	if err != nil {
		return nil, err
	}
	before, err := s.describe(ctx, req, id)
	if err != nil {
		return nil, err
	}
	unchanged := 0 // updates in a row that left the content as it was
	for range maxUpdates {
		if tag := entityTag(before); conditional && tag != expected {
			return nil, changed(id, tag)
		}
		wanted, err := build(before)
		if err != nil {
			return nil, err
		}
		keepHidden(wanted.schedule, before.GetSchedule())
		after, err := s.send(ctx, req, id, before, wanted)
		if err != nil {
			return nil, err
		}
		if isApplied(before, wanted, after) {
			return respondWith(id, after), nil
		}
		if contentTag(after) != contentTag(before) {
			unchanged = 0
		} else if unchanged++; unchanged == maxUnchanged {
			return nil, storedDifferently(id)
		}
		before = after
	}
	if tag := entityTag(before); conditional && tag != expected {
		return nil, changed(id, tag)
	}
	e := problem.New(problem.Conflict, "Other changes of the schedule replaced this one again and again.")
	e.Members.ScheduleID = id
	return nil, e
}

// storedDifferently returns the problem for a change that the server does not store as
// requested.
func storedDifferently(id string) error {
	e := problem.New(problem.Conflict, "The server does not store this change as requested. Read the schedule to find what was stored.")
	e.Members.ScheduleID = id
	return e
}

// send sends one update, and returns the schedule after it.
func (s *Service) send(
	ctx context.Context, req *operation.Request, id string, before *workflowservice.DescribeScheduleResponse, wanted state,
) (*workflowservice.DescribeScheduleResponse, error) {
	err := s.upstream.Do(ctx, req.Method, &workflowservice.UpdateScheduleRequest{
		Namespace: req.Namespace, ScheduleId: id, Schedule: wanted.schedule, SearchAttributes: wanted.attributes,
		ConflictToken: before.GetConflictToken(), Identity: req.Identity(), RequestId: uuid.NewString(),
	}, &workflowservice.UpdateScheduleResponse{})
	if err != nil && !problem.Is(err, problem.ScheduleChanged) {
		return nil, withID(err, id)
	}
	if wanted.attributes != nil {
		// The server reads the search attributes before the schedule: the first read may wait for the update
		// and have the old ones.
		if _, err := s.describe(ctx, req, id); err != nil {
			return nil, err
		}
	}
	return s.describe(ctx, req, id)
}

// changed returns the problem for an If-Match that does not match.
func changed(id, currentTag string) error {
	e := problem.New(problem.ScheduleChanged, "The schedule has changed. Read it again, and repeat the change with its ETag.")
	e.Members.ScheduleID, e.Members.ETag = id, `"`+currentTag+`"`
	return e
}

// keepHidden copies the parts of a schedule that the API does not have: the header of the
// workflow, which was written for that workflow type, the definition of the time zone, and
// the policy on workflow ids, which version 1.32 of the server ignores.
func keepHidden(to, from *schedule.Schedule) {
	action, old := to.GetAction().GetStartWorkflow(), from.GetAction().GetStartWorkflow()
	if action.GetWorkflowType().GetName() == old.GetWorkflowType().GetName() {
		action.Header = old.GetHeader()
	}
	to.Policies.KeepOriginalWorkflowId = from.GetPolicies().GetKeepOriginalWorkflowId()
	if to.GetSpec().GetTimezoneName() == from.GetSpec().GetTimezoneName() {
		to.Spec.TimezoneData = from.GetSpec().GetTimezoneData()
	}
}

// isApplied reports whether a schedule is in the wanted state, and has changed since
// before. After the update, the schedule may have taken a limited number of actions, each
// of which counts as a change.
func isApplied(before *workflowservice.DescribeScheduleResponse, wanted state, after *workflowservice.DescribeScheduleResponse) bool {
	changes := tokenDistance(before.GetConflictToken(), after.GetConflictToken())
	if changes == 0 {
		return false
	}
	if wanted.attributes != nil && !bytes.Equal(attributeValues(wanted.attributes), attributeValues(after.GetSearchAttributes())) {
		return false
	}
	want, got := withoutTypes(wanted.schedule), withoutTypes(after.GetSchedule())
	taken := want.State.RemainingActions - got.State.RemainingActions
	if want.State.LimitedActions && taken > 0 && uint64(taken) < changes {
		want.State.RemainingActions = got.State.RemainingActions
	}
	wantText, err := convert.Marshal(want)
	gotText, err2 := convert.Marshal(got)
	return err == nil && err2 == nil && bytes.Equal(wantText, gotText)
}

// tokenDistance returns the number of changes between two conflict tokens. The server
// encodes the number of changes in one of the two byte orders, by the implementation of
// the schedule. The distance is 1 for any other tokens that differ.
func tokenDistance(before, after []byte) uint64 {
	const size, most = 8, 1 << 32
	if bytes.Equal(before, after) {
		return 0
	}
	if len(before) == size && len(after) == size {
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			if distance := order.Uint64(after) - order.Uint64(before); distance < most {
				return distance
			}
		}
	}
	return 1
}

// withoutTypes returns a schedule in a form in which equal schedules are equal. It has no
// types of search attributes, because the server adds them. It decodes the schedule again,
// because package payload encodes the values of a request without building messages.
func withoutTypes(s *schedule.Schedule) openapi.Schedule {
	decoded := &schedule.Schedule{}
	if wire, err := proto.Marshal(s); err != nil || proto.Unmarshal(wire, decoded) != nil {
		return renderSchedule(nil) // which no schedule is
	}
	removeTypes(decoded.GetAction().GetStartWorkflow().GetSearchAttributes())
	return renderSchedule(decoded)
}

// attributeValues returns search attributes without their types.
func attributeValues(attributes *common.SearchAttributes) []byte {
	attributes = proto.CloneOf(attributes)
	removeTypes(attributes)
	text, _ := convert.Marshal(convert.RenderSearchAttributes(attributes)) // never fails: the values are JSON
	return text
}

func removeTypes(attributes *common.SearchAttributes) {
	for _, p := range attributes.GetIndexedFields() {
		delete(p.GetMetadata(), "type")
	}
}
