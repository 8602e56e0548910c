package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/dev/sample"
)

// firstAttributes returns the attributes of the first event that has a member with the given name.
func firstAttributes(t *testing.T, name string, events []json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	for _, event := range events {
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(event, &members))
		if attributes, ok := members[name]; ok {
			var values map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(attributes, &values))
			return values
		}
	}
	require.FailNow(t, "no event has the member "+name)
	return nil
}

func TestHistoryReturnsValuesByteForByte(t *testing.T) {
	t.Parallel()
	const spaced = `{ "b" : [ 1 ,	2 ] }`
	const args = `12345678901234567890,1.10,1e400,[],{},{"b":1,"a":[]},"\u003c\/<&>",` + unusualValue
	s := start(t, "Wait", `"args":[`+args+`,`+spaced+`]`, `"memo":{"odd":`+unusualValue+`}`,
		`"searchAttributes":{"CustomerId":"c-<&>"}`)
	signalFinish(t, s.WorkflowID, unusualValue)
	awaitOutcome(t, s.WorkflowID)
	for _, query := range []string{"", "&payloads=decoded"} {
		events := historyPage(t, writer(), historyPath(s)+query).Events
		start := firstAttributes(t, "workflowExecutionStartedEventAttributes", events)
		require.Equal(t, "["+args+","+spaced+"]", string(start["input"]))
		require.Contains(t, string(start["memo"]), `"odd":`+unusualValue)
		// The type is in the metadata of the payload, which only the long form contains.
		require.Contains(t, string(start["searchAttributes"]), `"type":"S2V5d29yZA=="`)
		require.Equal(t, "["+unusualValue+"]", string(firstAttributes(t, "workflowExecutionSignaledEventAttributes", events)["input"]))
		require.Equal(t, "["+unusualValue+"]", string(firstAttributes(t, "workflowExecutionCompletedEventAttributes", events)["result"]))
	}
}

// TestHistoryReturnsOtherPayloadsWithMetadata requires the long form, with metadata and data, for all payloads that are
// not JSON. Null is one of these, because Temporal encodes it as binary/null.
func TestHistoryReturnsOtherPayloadsWithMetadata(t *testing.T) {
	t.Parallel()
	const (
		plain    = `{"metadata":{"encoding":"` + binaryPlainBase64 + `"},"data":"` + binaryDataBase64 + `"}`
		null     = `{"metadata":{"encoding":"YmluYXJ5L251bGw="}}`
		someArgs = `"argPayloads":[` + plain + `,{"json":null},{"json":[]}]`
	)
	for args, want := range map[string]string{
		`"args":[null,[],1.10]`: `[` + null + `,[],1.10]`,
		someArgs:                `{"payloads":[` + plain + `,` + null + `,[]]}`,
	} {
		s := startWithoutWorker(t, args)
		events := historyPage(t, writer(), historyPath(s)).Events
		require.Equal(t, want, string(firstAttributes(t, "workflowExecutionStartedEventAttributes", events)["input"]))
		terminate(t, s.WorkflowID)
	}
}

// runsWithManyEventTypes returns closed runs. Together, their histories contain most of the types of events that
// workflows of the sample worker produce.
func runsWithManyEventTypes(t *testing.T) map[string]started {
	t.Helper()
	const items = `"items":[{"sku":"pen","quantity":1,"price":300}]`
	runs := map[string]started{
		"values":   start(t, "Echo", `"args":[`+unusualValue+`,[],null]`, `"memo":{"odd":`+unusualValue+`}`, `"searchAttributes":{"CustomerId":"c"}`),
		"bytes":    start(t, "EchoPayload", `"argPayloads":[{"metadata":{"encoding":"`+binaryPlainBase64+`"},"data":"`+binaryDataBase64+`"}]`),
		"order":    start(t, "Order", `"args":[{"orderId":"o","autoApprove":true,`+items+`}]`),
		"declined": start(t, "Order", `"args":[{"orderId":"o","card":"declined",`+items+`}]`),
		"failure":  start(t, "Fail"),
		"timer":    start(t, "Sleep", `"args":[{"seconds":0.01}]`, `"staticSummary":"a summary"`, `"priority":{"priorityKey":2}`),
	}
	for _, s := range runs {
		awaitOutcome(t, s.WorkflowID)
	}
	parent := startParent(t, `"memo":{"odd":`+unusualValue+`}`)
	awaitIdleParent(t, parent)
	writer().post(t, workflowPath(parent.WorkflowID, "/terminate"), `{"reason":"done","details":[`+unusualValue+`]}`).expect(t, http.StatusNoContent)
	runs["child and activity"] = parent
	return runs
}

// TestRawHistoryEqualsHistoryOfServer compares each event that the gateway returns, in pages and as NDJSON, with the
// same event from the server.
func TestRawHistoryEqualsHistoryOfServer(t *testing.T) {
	t.Parallel()
	types := map[string]bool{}
	for name, s := range runsWithManyEventTypes(t) {
		want := serverHistory(t, s.WorkflowID, s.RunID)
		page := historyPage(t, writer(), historyPath(s)+"&payloads=raw")
		require.Len(t, page.Events, len(want), name)
		stream := writer().with("Accept", typeNDJSON).get(t, historyPath(s)+"&payloads=raw").expect(t, http.StatusOK)
		require.Equal(t, append(bytes.Join(asBytes(page.Events), []byte("\n")), '\n'), stream.body, name)
		for i, text := range page.Events {
			got := &history.HistoryEvent{}
			require.NoError(t, protojson.Unmarshal(text, got), "%s: %s", name, text)
			require.True(t, proto.Equal(want[i], got), "%s:\n%s\nis not\n%s", name, got, want[i])
			types[got.GetEventType().String()] = true
		}
	}
	t.Logf("compared events of %d types", len(types))
}

func asBytes(texts []json.RawMessage) [][]byte {
	all := make([][]byte, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

// TestRawHistoryIsReadBySDKs replays a run with the SDK, from the history that the gateway returns.
func TestRawHistoryIsReadBySDKs(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	signalFinish(t, s.WorkflowID, unusualValue)
	awaitOutcome(t, s.WorkflowID)
	a := writer().get(t, historyPath(s)+"&payloads=raw&pageSize=1000").expect(t, http.StatusOK)
	read, err := client.HistoryFromJSON(bytes.NewReader(a.body), client.HistoryJSONOptions{})
	require.NoError(t, err)

	iterator := shared.stack.Client().GetWorkflowHistory(t.Context(), s.WorkflowID, s.RunID, false, 0)
	fetched := &history.History{}
	for iterator.HasNext() {
		event, err := iterator.Next()
		require.NoError(t, err)
		fetched.Events = append(fetched.Events, event)
	}
	require.True(t, proto.Equal(fetched, read), "%s\nis not\n%s", read, fetched)

	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflow(sample.Wait)
	require.NoError(t, replayer.ReplayWorkflowHistory(nil, read))
}
