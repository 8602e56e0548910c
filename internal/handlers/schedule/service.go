package schedule

import (
	"errors"

	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations on schedules.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	views    views
}

// New returns the service.
func New(adapter *operation.Adapter) *Service {
	return &Service{adapter: adapter, upstream: adapter.Upstream, views: newViews()}
}

// views are the JSON forms of a list of schedules and of a schedule in it.
type views struct{ list, item *transcode.Plan }

func newViews() views {
	plans, shared := transcode.NewPlans(), convert.NewViews()
	item := []transcode.ViewField{
		{Field: "schedule_id", As: "scheduleId", Always: true},
		{Field: "info", Members: appendListInfo},
		shared.MemoField(),
		convert.SearchAttributesField(),
	}
	return views{
		list: plans.View((&workflowservice.ListSchedulesResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "schedules", As: "schedules", View: item, Always: true},
		}),
		item: plans.View((&schedule.ScheduleListEntry{}).ProtoReflect().Descriptor(), item),
	}
}

// appendListInfo appends what a list has of a schedule and of its actions, as members of a
// JSON object.
func appendListInfo(dst, wire []byte) ([]byte, error) {
	info := &schedule.ScheduleListInfo{}
	if err := proto.Unmarshal(wire, info); err != nil {
		return dst, err
	}
	members, err := convert.Marshal(renderListInfo(info))
	if err != nil {
		return dst, err
	}
	return append(dst, members[1:len(members)-1]...), nil
}

// withID adds the schedule id to an error that the server returned.
func withID(err error, scheduleID string) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	copied := *e
	copied.Members.ScheduleID = scheduleID
	return &copied
}
