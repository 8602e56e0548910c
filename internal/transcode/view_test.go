package transcode_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/transcode"
)

// writeSize is the Value function of infoView. It writes a message as its size in
// bytes, and omits an empty message.
func writeSize(dst, wire []byte) ([]byte, bool, error) {
	return strconv.AppendInt(dst, int64(len(wire)), 10), len(wire) > 0, nil
}

// writeMemoSize is the Members function of infoView. It writes the size of a message
// as the member memoSize.
func writeMemoSize(dst, wire []byte) ([]byte, error) {
	if len(wire) == 0 {
		return dst, nil
	}
	return strconv.AppendInt(append(dst, `"memoSize":`...), int64(len(wire)), 10), nil
}

// infoView uses all features of views.
func infoView() []transcode.ViewField {
	run := []transcode.ViewField{{Field: "workflow_id", As: "workflowId"}, {Field: "run_id", As: "runId"}}
	return []transcode.ViewField{
		{Field: "execution", Always: true, View: []transcode.ViewField{{Field: "workflow_id", As: "workflowId", Always: true}, {Field: "run_id", As: "runId"}}},
		{Field: "type", View: []transcode.ViewField{{Field: "name", As: "workflowType"}}},
		{Field: "status", As: "status", Always: true},
		{Field: "start_time", As: "startTime", Always: true},
		{Field: "close_time", As: "closeTime"},
		{Field: "execution_duration", As: "executionDuration"},
		{Field: "history_length", As: "historyLength", Always: true},
		{Field: "history_size_bytes", As: "historySizeBytes"},
		{Field: "memo", Members: writeMemoSize},
		{Field: "search_attributes", View: []transcode.ViewField{{Field: "indexed_fields", As: "searchAttributes", Value: writeSize}}},
		{Field: "auto_reset_points", View: []transcode.ViewField{{Field: "points", As: "points", Value: writeSize}}},
		{Field: "parent_execution", As: "parent", View: run},
		{Field: "root_execution", As: "root", View: run},
		{Field: "versioning_info", As: "versioning", View: []transcode.ViewField{
			{Field: "behavior", As: "behavior"}, {Field: "revision_number", As: "revision"},
		}},
		{Field: "priority", As: "priority"},
	}
}

func infoPlan() *transcode.Plan {
	return transcode.NewPlans().View((&workflow.WorkflowExecutionInfo{}).ProtoReflect().Descriptor(), infoView())
}

func TestViewJSON(t *testing.T) {
	t.Parallel()
	// The Always fields, when the message does not have them.
	const absent = `"workflowId":"","status":"","startTime":"","historyLength":0`
	at := func(seconds int64, nanos int32) *timestamppb.Timestamp {
		return &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}
	}
	payloads := func(keys ...string) map[string]*common.Payload {
		all := map[string]*common.Payload{}
		for _, key := range keys {
			all[key] = &common.Payload{Data: []byte("abc")}
		}
		return all
	}
	for name, c := range map[string]struct {
		info *workflow.WorkflowExecutionInfo
		want string
	}{
		"an empty message":                {&workflow.WorkflowExecutionInfo{}, "{" + absent + "}"},
		"a field that is not in the view": {&workflow.WorkflowExecutionInfo{TaskQueue: "q"}, "{" + absent + "}"},
		"inlined messages": {
			&workflow.WorkflowExecutionInfo{Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: "r"}, Type: &common.WorkflowType{Name: "T"}},
			`{"workflowId":"w","runId":"r","workflowType":"T","status":"","startTime":"","historyLength":0}`,
		},
		"empty inlined messages": {
			&workflow.WorkflowExecutionInfo{Execution: &common.WorkflowExecution{}, Type: &common.WorkflowType{}, SearchAttributes: &common.SearchAttributes{}},
			"{" + absent + "}",
		},
		"an enum": {
			&workflow.WorkflowExecutionInfo{Status: enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW},
			`{"status":"CONTINUED_AS_NEW","workflowId":"","startTime":"","historyLength":0}`,
		},
		"an unknown enum value": {
			&workflow.WorkflowExecutionInfo{Status: 99}, `{"status":"99","workflowId":"","startTime":"","historyLength":0}`,
		},
		"64-bit integers": {
			&workflow.WorkflowExecutionInfo{HistoryLength: 1<<63 - 1, HistorySizeBytes: -1},
			`{"historyLength":9223372036854775807,"historySizeBytes":-1,"workflowId":"","status":"","startTime":""}`,
		},
		"times": {
			&workflow.WorkflowExecutionInfo{StartTime: at(0, 500_000_000), CloseTime: at(1, 120_000), ExecutionDuration: durationpb.New(1500 * time.Millisecond)},
			`{"startTime":"1970-01-01T00:00:00.5Z","closeTime":"1970-01-01T00:00:01.00012Z","executionDuration":"1.5s","workflowId":"","status":"","historyLength":0}`,
		},
		"times that are not set": {
			&workflow.WorkflowExecutionInfo{CloseTime: at(0, 0), ExecutionDuration: &durationpb.Duration{}}, "{" + absent + "}",
		},
		"a negative duration": {
			&workflow.WorkflowExecutionInfo{ExecutionDuration: durationpb.New(-187300108)}, "{" + absent + "}",
		},
		"a negative duration of whole seconds": {
			&workflow.WorkflowExecutionInfo{ExecutionDuration: durationpb.New(-3 * time.Second)}, "{" + absent + "}",
		},
		"Go's zero time": {&workflow.WorkflowExecutionInfo{CloseTime: at(-62135596800, 0)}, "{" + absent + "}"},
		"a Members function": {
			&workflow.WorkflowExecutionInfo{Memo: &common.Memo{Fields: payloads("k")}, HistoryLength: 2},
			`{"historyLength":2,"memoSize":12,"workflowId":"","status":"","startTime":""}`,
		},
		"a Members function that writes nothing": {&workflow.WorkflowExecutionInfo{Memo: &common.Memo{}}, "{" + absent + "}"},
		"a Value function for the values of a map": {
			&workflow.WorkflowExecutionInfo{SearchAttributes: &common.SearchAttributes{IndexedFields: payloads("b", "a")}},
			`{"searchAttributes":{"a":5,"b":5},` + absent + `}`,
		},
		"a Value function that omits map entries": {
			&workflow.WorkflowExecutionInfo{SearchAttributes: &common.SearchAttributes{IndexedFields: map[string]*common.Payload{"a": {}, "b": {Data: []byte("x")}, "c": {}}}},
			`{"searchAttributes":{"b":3},` + absent + `}`,
		},
		"a Value function for the elements of a list": {
			&workflow.WorkflowExecutionInfo{AutoResetPoints: &workflow.ResetPoints{Points: []*workflow.ResetPointInfo{{}, {RunId: "r"}, {}, {RunId: "rr"}}}},
			`{"points":[3,4],` + absent + `}`,
		},
		"a Value function that omits all elements": {
			&workflow.WorkflowExecutionInfo{AutoResetPoints: &workflow.ResetPoints{Points: []*workflow.ResetPointInfo{{}, {}}}}, "{" + absent + "}",
		},
		"nested views": {
			&workflow.WorkflowExecutionInfo{ParentExecution: &common.WorkflowExecution{WorkflowId: "p"}, VersioningInfo: &workflow.WorkflowExecutionVersioningInfo{
				Behavior: enums.VERSIONING_BEHAVIOR_AUTO_UPGRADE, RevisionNumber: 7,
			}},
			`{"parent":{"workflowId":"p"},"versioning":{"behavior":"AUTO_UPGRADE","revision":7},` + absent + `}`,
		},
		"a nested view without members": {
			&workflow.WorkflowExecutionInfo{ParentExecution: &common.WorkflowExecution{}, RootExecution: &common.WorkflowExecution{RunId: "r"}},
			`{"root":{"runId":"r"},` + absent + `}`,
		},
		"a nested message without a view": {&workflow.WorkflowExecutionInfo{Priority: &common.Priority{}}, `{"priority":{},` + absent + `}`},
		"fields in the order of the view": {
			&workflow.WorkflowExecutionInfo{
				HistorySizeBytes: 4, HistoryLength: 3, StartTime: at(1, 0), Status: 1, Type: &common.WorkflowType{Name: "T"},
				Execution: &common.WorkflowExecution{RunId: "r", WorkflowId: "w"}, RootExecution: &common.WorkflowExecution{RunId: "R"},
				ParentExecution: &common.WorkflowExecution{RunId: "P"}, Memo: &common.Memo{Fields: payloads("k")},
			},
			`{"workflowId":"w","runId":"r","workflowType":"T","status":"RUNNING","startTime":"1970-01-01T00:00:01Z","historyLength":3,` +
				`"historySizeBytes":4,"memoSize":12,"parent":{"runId":"P"},"root":{"runId":"R"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, wire := infoPlan(), marshal(t, c.info)
			got, err := plan.AppendJSON(nil, wire, transcode.Options{}, nil)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
			first, err := plan.AppendJSON([]byte("!"), wire, transcode.Options{}, []byte(`"first":1`))
			require.NoError(t, err)
			require.Equal(t, `!{"first":1,`+c.want[1:], string(first))
			var streamed bytes.Buffer
			require.NoError(t, plan.WriteJSON(&streamed, wire, transcode.Options{}, nil))
			require.Equal(t, c.want, streamed.String())
		})
	}
}

// A time of zero on the wire is omitted, but an Always field must still be written.
func TestViewWritesAlwaysFields(t *testing.T) {
	t.Parallel()
	plan := infoPlan()
	for _, info := range []*workflow.WorkflowExecutionInfo{
		{StartTime: &timestamppb.Timestamp{}},
		{StartTime: &timestamppb.Timestamp{}, Status: 1},
		{StartTime: &timestamppb.Timestamp{Seconds: -62135596800}, Execution: &common.WorkflowExecution{WorkflowId: "w"}},
	} {
		got, err := plan.AppendJSON(nil, marshal(t, info), transcode.Options{}, nil)
		require.NoError(t, err)
		require.Contains(t, string(got), `"startTime":""`)
	}
}

// If a field occurs several times on the wire, a view merges the occurrences as a decoder does.
func TestViewOfNonCanonicalWire(t *testing.T) {
	t.Parallel()
	plan := infoPlan()
	var wire []byte
	for _, part := range []*workflow.WorkflowExecutionInfo{
		{HistoryLength: 1, Execution: &common.WorkflowExecution{WorkflowId: "a", RunId: "r"}},
		{Status: 1, StartTime: &timestamppb.Timestamp{Seconds: 1}},
		{HistoryLength: 2, Execution: &common.WorkflowExecution{WorkflowId: "b"}, StartTime: &timestamppb.Timestamp{Nanos: 5}},
	} {
		wire = append(wire, marshal(t, part)...)
	}
	merged := &workflow.WorkflowExecutionInfo{}
	require.NoError(t, proto.Unmarshal(wire, merged))
	want, err := plan.AppendJSON(nil, marshal(t, merged), transcode.Options{}, nil)
	require.NoError(t, err)
	got, err := plan.AppendJSON(nil, wire, transcode.Options{}, nil)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// A view writes the name of a field before it finds that the field is omitted, and then removes the name. A chunk must
// not be flushed in between.
func TestStreamedViewDropsOmittedFields(t *testing.T) {
	t.Parallel()
	plan := infoPlan()
	const chunk = 64 << 10 // chunkBytes of package transcode
	for length := chunk - 60; length < chunk+20; length++ {
		wire := marshal(t, &workflow.WorkflowExecutionInfo{
			Type:            &common.WorkflowType{Name: strings.Repeat("a", length)},
			AutoResetPoints: &workflow.ResetPoints{Points: []*workflow.ResetPointInfo{{}, {}}},
			ParentExecution: &common.WorkflowExecution{}, Memo: &common.Memo{}, CloseTime: &timestamppb.Timestamp{},
		})
		want, err := plan.AppendJSON(nil, wire, transcode.Options{}, nil)
		require.NoError(t, err)
		var got bytes.Buffer
		require.NoError(t, plan.WriteJSON(&got, wire, transcode.Options{}, nil))
		require.True(t, string(want) == got.String(), "%d: %.100q", length, got.String()[max(0, got.Len()-100):]) //nolint:testifylint // too long to print
	}
}

func TestViewOfAnUnknownFieldPanics(t *testing.T) {
	t.Parallel()
	require.PanicsWithValue(t, "transcode: temporal.api.workflow.v1.WorkflowExecutionInfo has no field x", func() {
		transcode.NewPlans().View((&workflow.WorkflowExecutionInfo{}).ProtoReflect().Descriptor(), []transcode.ViewField{{Field: "x"}})
	})
}
