package schedule_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func pathOf(id string) string { return servertest.SchedulesPath + "/" + url.PathEscape(id) }

// scheduler is a fake of the server's schedules. Like the server, it sets the defaults of ranges when it describes a
// schedule, drops an update with an old conflict token without an error, and accepts one without a token of eight bytes.
type scheduler struct {
	mu        sync.Mutex
	schedules map[string]*workflowservice.DescribeScheduleResponse
	// beforeUpdate, unless it is nil, is called before an update is compared with the schedule.
	beforeUpdate func(s *schedule.Schedule) (changed bool)
	updates      int
}

func newScheduler(up *upstreamtest.Server) *scheduler {
	f := &scheduler{schedules: map[string]*workflowservice.DescribeScheduleResponse{}}
	up.Handle("CreateSchedule", upstreamtest.Typed(f.create))
	up.Handle("DescribeSchedule", upstreamtest.Typed(f.describe))
	up.Handle("UpdateSchedule", upstreamtest.Typed(f.update))
	up.Handle("PatchSchedule", upstreamtest.Typed(f.patch))
	up.Handle("DeleteSchedule", upstreamtest.Typed(f.delete))
	return f
}

func (f *scheduler) create(_ context.Context, r *workflowservice.CreateScheduleRequest) (*workflowservice.CreateScheduleResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, exists := f.schedules[r.GetScheduleId()]; exists {
		st, _ := status.New(codes.AlreadyExists, "already registered").WithDetails(&errordetails.WorkflowExecutionAlreadyStartedFailure{})
		return nil, st.Err()
	}
	f.schedules[r.GetScheduleId()] = &workflowservice.DescribeScheduleResponse{
		Schedule: r.GetSchedule(), Memo: r.GetMemo(), SearchAttributes: r.GetSearchAttributes(),
		Info:          &schedule.ScheduleInfo{CreateTime: timestamppb.Now()},
		ConflictToken: binary.BigEndian.AppendUint64(nil, 1),
	}
	return &workflowservice.CreateScheduleResponse{ConflictToken: binary.BigEndian.AppendUint64(nil, 1)}, nil
}

func (f *scheduler) find(id string) (*workflowservice.DescribeScheduleResponse, error) {
	found, exists := f.schedules[id]
	if !exists {
		return nil, status.Error(codes.NotFound, "workflow not found for ID: temporal-sys-scheduler:"+id)
	}
	return found, nil
}

func (f *scheduler) describe(_ context.Context, r *workflowservice.DescribeScheduleRequest) (*workflowservice.DescribeScheduleResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, err := f.find(r.GetScheduleId())
	if err != nil {
		return nil, err
	}
	found = proto.CloneOf(found)
	setDefaults(found.GetSchedule())
	return found, nil
}

// setDefaults sets the defaults of ranges.
func setDefaults(s *schedule.Schedule) {
	for _, calendar := range slices.Concat(s.GetSpec().GetStructuredCalendar(), s.GetSpec().GetExcludeStructuredCalendar()) {
		for _, ranges := range [][]*schedule.Range{
			calendar.GetSecond(), calendar.GetMinute(), calendar.GetHour(), calendar.GetDayOfMonth(), calendar.GetMonth(), calendar.GetYear(), calendar.GetDayOfWeek(),
		} {
			for _, r := range ranges {
				r.End, r.Step = max(r.GetStart(), r.GetEnd()), max(r.GetStep(), 1)
			}
		}
	}
}

func (f *scheduler) update(_ context.Context, r *workflowservice.UpdateScheduleRequest) (*workflowservice.UpdateScheduleResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, err := f.find(r.GetScheduleId())
	if err != nil {
		return nil, err
	}
	f.updates++
	if f.beforeUpdate != nil && f.beforeUpdate(found.GetSchedule()) {
		f.change(found)
	}
	if len(r.GetConflictToken()) == 8 && !bytes.Equal(r.GetConflictToken(), found.GetConflictToken()) {
		return &workflowservice.UpdateScheduleResponse{}, nil
	}
	found.Schedule = r.GetSchedule()
	if r.GetSearchAttributes() != nil {
		found.SearchAttributes = r.GetSearchAttributes()
	}
	f.change(found)
	return &workflowservice.UpdateScheduleResponse{}, nil
}

func (*scheduler) change(d *workflowservice.DescribeScheduleResponse) {
	d.ConflictToken = binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(d.GetConflictToken())+1)
}

func (f *scheduler) patch(_ context.Context, r *workflowservice.PatchScheduleRequest) (*workflowservice.PatchScheduleResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.find(r.GetScheduleId())
	return &workflowservice.PatchScheduleResponse{}, err
}

func (f *scheduler) delete(_ context.Context, r *workflowservice.DeleteScheduleRequest) (*workflowservice.DeleteScheduleResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.find(r.GetScheduleId())
	delete(f.schedules, r.GetScheduleId())
	return &workflowservice.DeleteScheduleResponse{}, err
}

// stored returns a copy of the schedule that the server has.
func (f *scheduler) stored(id string) *schedule.Schedule {
	f.mu.Lock()
	defer f.mu.Unlock()
	return proto.CloneOf(f.schedules[id].GetSchedule())
}

// set changes a schedule as another client would.
func (f *scheduler) set(id string, change func(*schedule.Schedule)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.schedules[id].GetSchedule())
	f.change(f.schedules[id])
}

// setAttributes sets the search attributes of a schedule.
func (f *scheduler) setAttributes(id string, fields map[string]*common.Payload) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.schedules[id].SearchAttributes = &common.SearchAttributes{IndexedFields: fields}
}

// described decodes the description of a schedule.
func described(t testing.TB, r servertest.Response) (d openapi.ScheduleDescription) {
	t.Helper()
	require.Equal(t, 200, r.Status, r.Body)
	require.NoError(t, json.Unmarshal([]byte(r.Body), &d))
	return d
}

// The parts of a request that creates a schedule.
const (
	someAction   = `"action":{"workflowType":"Report","workflowId":"w","taskQueue":"q","args":[{"n":1.10}]}`
	someSpec     = `"spec":{"cronExpressions":["CRON_TZ=Europe/Zurich 0 2 * * *"]}`
	someSchedule = `{` + someAction + `,` + someSpec + `}`
	someCreate   = `{"scheduleId":"s","schedule":` + someSchedule + `}`
)
