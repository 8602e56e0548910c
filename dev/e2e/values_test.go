package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
)

// unusualValue is JSON that changes, or cannot be decoded, if a program decodes it into Go values and encodes it again.
const unusualValue = `{"z":12345678901234567890,"a":1.10,"e":1e400,"m":-0.0,"l":[],"o":{},"s":"\u003c<&>\/é\ud83d\ude00","n":null}`

// binaryData is not valid UTF-8. binaryDataBase64 is the same data in base64.
const (
	binaryData       = "\x00\xff{"
	binaryDataBase64 = "AP97"
)

// The payload encodings "binary/plain" and "json/protobuf" in base64, as the metadata of a payload contains them.
const (
	binaryPlainBase64  = "YmluYXJ5L3BsYWlu"
	jsonProtobufBase64 = "anNvbi9wcm90b2J1Zg=="
)

func TestArgumentsComeBackByteForByte(t *testing.T) {
	t.Parallel()
	const args = `[12345678901234567890,1.10,1e400,[],{"b":1,"a":[]},"<&>",null]`
	s := start(t, "Echo", `"args":`+args)
	require.Equal(t, args, string(awaitOutcome(t, s.WorkflowID).Result))

	input := serverStartedEvent(t, s).GetInput().GetPayloads()
	require.Len(t, input, 7)
	last := len(input) - 1
	require.Equal(t, []string{"12345678901234567890", "1.10", "1e400", "[]", `{"b":1,"a":[]}`, `"<&>"`},
		payloadData(t, "json/plain", &common.Payloads{Payloads: input[:last]}))
	require.Equal(t, []string{""}, payloadData(t, "binary/null", &common.Payloads{Payloads: input[last:]}))
}

func TestArgumentsReachServerByteForByte(t *testing.T) {
	t.Parallel()
	const spaced = `{ "b" : [ 1 ,	2 ] }`
	s := start(t, "Echo", `"args": [ `+unusualValue+` , `+spaced+` , "\u003c\/"  ]`)
	require.Equal(t, []string{unusualValue, spaced, `"\u003c\/"`}, payloadData(t, "json/plain", serverStartedEvent(t, s).GetInput()))
}

func TestNoArgumentsAndNullAreDistinct(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{"no args": "", "empty args": `"args":[]`, "empty argPayloads": `"argPayloads":[]`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			if field != "" {
				fields = []string{field}
			}
			s := start(t, "EchoPayload", fields...)
			require.Nil(t, serverStartedEvent(t, s).GetInput())
			o := awaitOutcome(t, s.WorkflowID)
			require.Equal(t, "COMPLETED", o.Status)
			require.Nil(t, o.Result, "the workflow returned no result")
			require.Nil(t, o.ResultPayload)
		})
	}
	t.Run("null", func(t *testing.T) {
		t.Parallel()
		s := start(t, "EchoPayload", `"args":[null]`)
		require.Equal(t, []string{""}, payloadData(t, "binary/null", serverStartedEvent(t, s).GetInput()))
		require.Equal(t, "null", string(awaitOutcome(t, s.WorkflowID).Result))
	})
}

func TestSignalArgumentsComeBackByteForByte(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	signalFinish(t, s.WorkflowID, unusualValue)
	require.Equal(t, unusualValue, string(awaitOutcome(t, s.WorkflowID).Result))
	signals := serverEvents(t, s.WorkflowID, s.RunID, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
	require.Len(t, signals, 1)
	signal := signals[0].GetWorkflowExecutionSignaledEventAttributes()
	require.Equal(t, "finish", signal.GetSignalName())
	require.Equal(t, []string{unusualValue}, payloadData(t, "json/plain", signal.GetInput()))
}

func TestSignalsWithoutArgumentsHaveNoInput(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	for _, body := range []string{`{"signal":"poke"}`, `{"signal":"poke","args":[null]}`} {
		writer().post(t, workflowPath(s.WorkflowID, "/signal"), body).expect(t, http.StatusNoContent)
	}
	signals := serverEvents(t, s.WorkflowID, s.RunID, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
	require.Len(t, signals, 2)
	require.Nil(t, signals[0].GetWorkflowExecutionSignaledEventAttributes().GetInput())
	require.Equal(t, []string{""}, payloadData(t, "binary/null", signals[1].GetWorkflowExecutionSignaledEventAttributes().GetInput()))
	terminate(t, s.WorkflowID)
}

func TestQueryArgumentsComeBackByteForByte(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	for name, test := range map[string]struct{ args, want string }{
		"unusual value": {`,"args":[` + unusualValue + `]`, unusualValue},
		"null":          {`,"args":[null]`, "null"},
		"none":          {``, "null"}, // the handler returns nil
	} {
		a := writer().post(t, workflowPath(s.WorkflowID, "/query"), `{"query":"echo"`+test.args+`}`).expect(t, http.StatusOK)
		require.Equal(t, test.want, string(as[queried](t, a).Result), name)
	}
	terminate(t, s.WorkflowID)
}

func TestPayloadsKeepTheirEncoding(t *testing.T) {
	t.Parallel()
	const message = `{"seconds":"12345678901234567890", "nanos":1}`
	// The message type is "x.Y" in base64.
	protobuf := `{"metadata":{"encoding":"` + jsonProtobufBase64 + `","messageType":"eC5Z"},"data":` + base64Of(message) + `}`
	tests := map[string]struct {
		payload string
		want    outcome
	}{
		"binary/plain": {
			`{"metadata":{"encoding":"` + binaryPlainBase64 + `"},"data":"` + binaryDataBase64 + `"}`,
			outcome{ResultPayload: &payload{
				Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte(binaryData),
			}},
		},
		"json/protobuf": {
			protobuf,
			outcome{ResultPayload: &payload{
				Metadata: map[string][]byte{"encoding": []byte("json/protobuf"), "messageType": []byte("x.Y")},
				Data:     []byte(message), JSON: json.RawMessage(`{"seconds":"12345678901234567890","nanos":1}`),
			}},
		},
		"json": {`{"json":` + unusualValue + `}`, outcome{Result: json.RawMessage(unusualValue)}},
		"null": {`{"json":null}`, outcome{Result: json.RawMessage("null")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "EchoPayload", `"argPayloads":[`+test.payload+`]`)
			o := awaitOutcome(t, s.WorkflowID)
			require.Equal(t, test.want.Result, o.Result)
			require.Equal(t, test.want.ResultPayload, o.ResultPayload)
		})
		t.Run(name+" by query", func(t *testing.T) {
			t.Parallel()
			s := start(t, "Wait")
			body := `{"query":"echo","argPayloads":[` + test.payload + `]}`
			q := as[queried](t, writer().post(t, workflowPath(s.WorkflowID, "/query"), body).expect(t, http.StatusOK))
			require.Equal(t, test.want.Result, q.Result)
			require.Equal(t, test.want.ResultPayload, q.ResultPayload)
			writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"finish","argPayloads":[`+test.payload+`]}`).
				expect(t, http.StatusNoContent)
			o := awaitOutcome(t, s.WorkflowID)
			require.Equal(t, test.want.Result, o.Result)
			require.Equal(t, test.want.ResultPayload, o.ResultPayload)
		})
	}
}

// base64Of returns text in base64 as a JSON string.
func base64Of(text string) string {
	return quote(base64.StdEncoding.EncodeToString([]byte(text)))
}

func TestPayloadsAndJSONMixInOneList(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"argPayloads":[{"json":1.10},{"metadata":{"encoding":"`+binaryPlainBase64+`"},"data":"`+binaryDataBase64+`"}]`)
	input := serverStartedEvent(t, s).GetInput().GetPayloads()
	require.Len(t, input, 2)
	require.Equal(t, []string{"1.10"}, payloadData(t, "json/plain", &common.Payloads{Payloads: input[:1]}))
	require.Equal(t, []string{binaryData}, payloadData(t, "binary/plain", &common.Payloads{Payloads: input[1:]}))
	terminate(t, s.WorkflowID)
}

func TestMemoComesBackByteForByte(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"memo":{"odd":`+unusualValue+`,"<&>":"<&>","big":1e400}`)
	w := describe(t, s.WorkflowID)
	require.Equal(t, map[string]json.RawMessage{
		"odd": json.RawMessage(unusualValue), "<&>": json.RawMessage(`"<&>"`), "big": json.RawMessage("1e400"),
	}, w.Memo)
	require.Empty(t, w.MemoPayloads)
	stored := describeOnServer(t, s.WorkflowID, s.RunID).GetWorkflowExecutionInfo().GetMemo().GetFields()
	require.Equal(t, unusualValue, string(stored["odd"].GetData()))
	terminate(t, s.WorkflowID)
}

func TestMemoPayloadsAreReturnedUnchanged(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"memoPayloads":{"plain":{"json":1.10},"bytes":{"metadata":{"encoding":"`+
		binaryPlainBase64+`"},"data":"`+binaryDataBase64+`"}}`)
	w := describe(t, s.WorkflowID)
	require.Empty(t, w.Memo, "only one of the two members is present")
	require.Equal(t, map[string]payload{
		"plain": {Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte("1.10"), JSON: json.RawMessage("1.10")},
		"bytes": {Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte(binaryData)},
	}, w.MemoPayloads)
	terminate(t, s.WorkflowID)
}
