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

// FuzzView converts arbitrary bytes by a view. If the conversion succeeds, the JSON has no
// duplicate names, and is the same with and without streaming. If the bytes can also be
// decoded to a message, the JSON is the same for the canonical encoding of the message.
func FuzzView(f *testing.F) {
	plan := infoPlan()
	messageType, g := (&workflow.WorkflowExecutionInfo{}).ProtoReflect().Type(), transcodetest.NewGenerator(f, 5)
	for range 100 {
		wire := marshal(f, g.Message(messageType).Interface())
		f.Add(wire)
		f.Add(append(wire, marshal(f, g.Message(messageType).Interface())...))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		got, err := plan.AppendJSON(nil, wire, transcode.Options{}, []byte(`"first":1`))
		var streamed bytes.Buffer
		streamErr := plan.WriteJSON(&streamed, wire, transcode.Options{}, []byte(`"first":1`))
		require.Equal(t, err == nil, streamErr == nil)
		if err != nil {
			return
		}
		require.Equal(t, string(got), streamed.String())
		require.True(t, jsontext.Value(got).IsValid(), "%s", got) // JSON with duplicate names is not valid
		require.LessOrEqual(t, len(got), 64*len(wire)+256)
		m := &workflow.WorkflowExecutionInfo{}
		if proto.Unmarshal(wire, m) != nil {
			return
		}
		reencoded, err := plan.AppendJSON(nil, marshal(t, m), transcode.Options{}, []byte(`"first":1`))
		require.NoError(t, err)
		if len(m.ProtoReflect().GetUnknown()) == 0 && !hasSizes(m) {
			require.Equal(t, canonicalJSON(t, reencoded), canonicalJSON(t, got))
		}
	})
}

// hasSizes reports whether the JSON of infoView contains the wire size of a
// nested message, which depends on the encoder.
func hasSizes(m *workflow.WorkflowExecutionInfo) bool {
	return m.GetMemo() != nil || m.GetSearchAttributes() != nil || m.GetAutoResetPoints() != nil
}
