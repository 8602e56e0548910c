package sample

import (
	"bytes"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// EchoWorkflow is the name of the workflow that returns all its arguments as one JSON array.
const EchoWorkflow = "Echo"

// EchoPayload returns its first argument unchanged, in any encoding. Without arguments it returns no result.
func EchoPayload(_ workflow.Context, value converter.RawValue) (any, error) {
	return unchanged(value), nil
}

// echoAny is a dynamic workflow, because only dynamic workflows accept any number of arguments without decoding them.
// The worker calls it for every unregistered workflow type. For a type other than EchoWorkflow, echoAny returns an
// error, so that a misspelt type is reported.
func echoAny(ctx workflow.Context, args converter.EncodedValues) (any, error) {
	if name := workflow.GetInfo(ctx).WorkflowType.Name; name != EchoWorkflow {
		message := fmt.Sprintf("the sample worker has no workflow %q", name)
		return nil, temporal.NewNonRetryableApplicationError(message, "UnknownWorkflowType", nil)
	}
	return jsonArray(converter.GetPayloads(args).GetPayloads())
}

// jsonArray returns the data of payloads as one JSON array. It copies the data, because decoding would not be lossless.
func jsonArray(payloads []*commonpb.Payload) (converter.RawValue, error) {
	elements := make([][]byte, len(payloads))
	for i, payload := range payloads {
		encoding := string(payload.GetMetadata()[converter.MetadataEncoding])
		switch {
		case strings.HasPrefix(encoding, "json/"):
			elements[i] = payload.GetData()
		case encoding == converter.MetadataEncodingNil:
			elements[i] = []byte("null")
		default:
			message := fmt.Sprintf("argument %d has encoding %q, which is not JSON", i, encoding)
			return converter.RawValue{}, temporal.NewNonRetryableApplicationError(message, "NotJSON", nil)
		}
	}
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     append(append([]byte{'['}, bytes.Join(elements, []byte{','})...), ']'),
	}), nil
}

// unchanged returns a payload unchanged. A missing value stays missing instead of becoming an empty payload.
func unchanged(value converter.RawValue) any {
	if value.Payload() == nil {
		return nil
	}
	return value
}
