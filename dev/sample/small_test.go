package sample_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/dev/sample"
)

func TestEchoReturnsArgumentsByteForByte(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []any
		result string
	}{
		"no arguments":    {nil, `[]`},
		"one argument":    {[]any{json(`{"b":1,"a":[ ]}`)}, `[{"b":1,"a":[ ]}]`},
		"unusual numbers": {[]any{json(`12345678901234567890`), json(`1.10`), json(`1e400`)}, `[12345678901234567890,1.10,1e400]`},
		"escapes":         {[]any{json(`"\u003c<\/"`)}, `["\u003c<\/"]`},
		"null":            {[]any{nil, json(`1`)}, `[null,1]`},
		"json/protobuf":   {[]any{payloadOf("json/protobuf", `{"x":1}`)}, `[{"x":1}]`},
	}
	sdk := dial(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := rawResult(t, start(t, sdk, sample.EchoWorkflow, test.args...))
			require.Equal(t, test.result, string(result.Payload().GetData()))
			require.Equal(t, "json/plain", string(result.Payload().GetMetadata()[converter.MetadataEncoding]))
		})
	}
}

func TestEchoRejectsOtherEncodings(t *testing.T) {
	t.Parallel()
	requireFailure(t, start(t, dial(t), sample.EchoWorkflow, []byte("binary")), "NotJSON")
}

func TestUnknownWorkflowTypeFails(t *testing.T) {
	t.Parallel()
	requireFailure(t, start(t, dial(t), "Ecco"), "UnknownWorkflowType")
}

func TestEchoPayloadKeepsEncoding(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	value := payloadOf("binary/custom", "\x00\xff")
	value.Payload().Metadata["more"] = []byte("kept")
	result := rawResult(t, start(t, sdk, "EchoPayload", value))
	require.True(t, proto.Equal(value.Payload(), result.Payload()), "got %v", result.Payload())

	none := start(t, sdk, "EchoPayload")
	require.NoError(t, none.Get(t.Context(), nil))
	require.Nil(t, rawResult(t, none).Payload())
}

func TestSleepCompletesAfterDuration(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	var result string
	require.NoError(t, start(t, dial(t), "Sleep", sample.SleepInput{Seconds: 0.3}).Get(t.Context(), &result))
	require.Equal(t, "slept", result)
	require.GreaterOrEqual(t, time.Since(begin), 300*time.Millisecond)
}

func TestWaitReturnsSignalValue(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	run := start(t, sdk, "Wait")
	require.Equal(t, "waiting", query[string](t, sdk, run, sample.StateQuery))
	signal(t, sdk, run, sample.PokeSignal, nil)
	signal(t, sdk, run, sample.PokeSignal, nil)
	require.Equal(t, 2, query[int](t, sdk, run, sample.SignalsQuery))

	value := json(`{"big":12345678901234567890}`)
	require.True(t, proto.Equal(value.Payload(), query[converter.RawValue](t, sdk, run, sample.EchoQuery, value).Payload()))
	var updated converter.RawValue
	require.NoError(t, update(t, sdk, run, sample.EchoUpdate, value, &updated))
	require.True(t, proto.Equal(value.Payload(), updated.Payload()))

	signal(t, sdk, run, sample.FinishSignal, value)
	require.True(t, proto.Equal(value.Payload(), rawResult(t, run).Payload()))
	require.Equal(t, "finished", query[string](t, sdk, run, sample.StateQuery))
	require.Equal(t, 3, query[int](t, sdk, run, sample.SignalsQuery))
}

func TestFailReturnsChainOfCauses(t *testing.T) {
	t.Parallel()
	err := start(t, dial(t), "Fail").Get(t.Context(), nil)
	var top, middle, root *temporal.ApplicationError
	require.ErrorAs(t, err, &top)
	require.ErrorAs(t, top.Unwrap(), &middle)
	require.ErrorAs(t, middle.Unwrap(), &root)
	require.Equal(t, []string{"SampleFailure", "Middle", "Root"}, []string{top.Type(), middle.Type(), root.Type()})
	var details sample.FailureDetails
	var second string
	require.NoError(t, top.Details(&details, &second))
	require.Equal(t, 1, details.Attempt)
	require.NotEmpty(t, second)
	require.NoError(t, root.Details(&details))
}

func TestFailSucceedsAfterFailedAttempts(t *testing.T) {
	t.Parallel()
	run, err := dial(t).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID:          uuid.NewString(),
		TaskQueue:   sample.TaskQueue,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond},
	}, "Fail", sample.FailInput{Attempts: 2})
	require.NoError(t, err)
	var result string
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, "succeeded at attempt 3", result)
}

func TestChainContinuesAsNew(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	run := start(t, sdk, "Chain", sample.ChainInput{Times: 3})
	firstRunID := run.GetRunID()
	var runs int
	require.NoError(t, run.Get(t.Context(), &runs))
	require.Equal(t, 4, runs)
	first, err := sdk.DescribeWorkflowExecution(t.Context(), run.GetID(), firstRunID)
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, first.GetWorkflowExecutionInfo().GetStatus())
}

func requireFailure(t *testing.T, run client.WorkflowRun, failureType string) {
	t.Helper()
	var failure *temporal.ApplicationError
	require.ErrorAs(t, run.Get(t.Context(), nil), &failure)
	require.Equal(t, failureType, failure.Type())
}

func rawResult(t *testing.T, run client.WorkflowRun) converter.RawValue {
	t.Helper()
	var result converter.RawValue
	require.NoError(t, run.Get(t.Context(), &result))
	return result
}

func json(data string) converter.RawValue { return payloadOf("json/plain", data) }

// payloadOf returns a payload as an argument, which the SDK sends unchanged.
func payloadOf(encoding, data string) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding)},
		Data:     []byte(data),
	})
}

func TestImportRejectsInvalidInput(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	for name, input := range map[string]sample.ImportInput{
		"no task queue":     {Files: 1},
		"a negative number": {TaskQueue: "imports", Files: -1},
		"a negative limit":  {TaskQueue: "imports", Files: 1, Parallel: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireFailure(t, start(t, sdk, "Import", input), "InvalidImport")
		})
	}
}

func TestImportOfNoFileCompletes(t *testing.T) {
	t.Parallel()
	var result sample.ImportResult
	require.NoError(t, start(t, dial(t), "Import", sample.ImportInput{TaskQueue: "imports"}).Get(t.Context(), &result))
	require.Zero(t, result.Rows)
}

func TestReportIsAboutTheDayBefore(t *testing.T) {
	t.Parallel()
	before := time.Now().UTC()
	var result sample.ReportResult
	require.NoError(t, start(t, dial(t), "Report", sample.ReportInput{Shop: "Zurich"}).Get(t.Context(), &result))
	after := time.Now().UTC()
	require.Equal(t, "Zurich", result.Shop)
	require.Contains(t, []string{before.AddDate(0, 0, -1).Format(time.DateOnly), after.AddDate(0, 0, -1).Format(time.DateOnly)}, result.Day)
}

func TestPurchaseRejectsInvalidInput(t *testing.T) {
	t.Parallel()
	sdk := dial(t)
	requireFailure(t, start(t, sdk, "Purchase", sample.PurchaseInput{Item: "desk"}), "InvalidPurchase")
	requireFailure(t, start(t, sdk, "Purchase", sample.PurchaseInput{TaskQueue: "approvals"}), "InvalidPurchase")
}
