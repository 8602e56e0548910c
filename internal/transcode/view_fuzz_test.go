package transcode_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/transcode/transcodetest"
)

// FuzzView shows what no server should send: it fails, or is JSON without a name
// that is there twice, in one go as in pieces; and what a decoder makes of the
// bytes is shown as the bytes are.
func FuzzView(f *testing.F) {
	plan := infoPlan()
	of, g := (&workflow.WorkflowExecutionInfo{}).ProtoReflect().Type(), transcodetest.NewGenerator(f, 5)
	for range 100 {
		wire := marshal(f, g.Message(of).Interface())
		f.Add(wire)
		f.Add(append(wire, marshal(f, g.Message(of).Interface())...))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		got, err := plan.AppendJSON(nil, wire, transcode.Form{}, []byte(`"first":1`))
		var pieces bytes.Buffer
		failed := plan.WriteJSON(&pieces, wire, transcode.Form{}, []byte(`"first":1`))
		require.Equal(t, err == nil, failed == nil)
		if err != nil {
			return
		}
		require.Equal(t, string(got), pieces.String())
		require.True(t, jsontext.Value(got).IsValid(), "%s", got) // which no name that is there twice is
		require.LessOrEqual(t, len(got), 64*len(wire)+256)
		m := &workflow.WorkflowExecutionInfo{}
		if proto.Unmarshal(wire, m) != nil {
			return
		}
		decoded, err := plan.AppendJSON(nil, marshal(t, m), transcode.Form{}, []byte(`"first":1`))
		require.NoError(t, err)
		if len(m.ProtoReflect().GetUnknown()) == 0 && !hasSizes(m) {
			require.Equal(t, canonicalJSON(t, decoded), canonicalJSON(t, got))
		}
	})
}

// hasSizes tells the messages that the view shows by their size, which depends on
// how they are written.
func hasSizes(m *workflow.WorkflowExecutionInfo) bool {
	return m.GetMemo() != nil || m.GetSearchAttributes() != nil || m.GetAutoResetPoints() != nil
}
