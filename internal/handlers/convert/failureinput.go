package convert

import (
	"strconv"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
)

// maxFailureDepth is the maximum number of failures in a chain of causes. Protobuf decoders
// reject messages that are nested about 100 deep, and each failure takes two levels.
const maxFailureDepth = 20

// Failure returns the application failure that a request describes, with its causes. Each
// failure is the one that a worker of an SDK makes of the same application error.
func (v *Validation) Failure(pointer string, input *openapi.FailureInput) *failure.Failure {
	return v.failure(pointer, input, maxFailureDepth)
}

func (v *Validation) failure(pointer string, input *openapi.FailureInput, depth int) *failure.Failure {
	if input == nil {
		return nil
	}
	if depth == 0 {
		v.Add(pointer, "must be at most "+strconv.Itoa(maxFailureDepth)+" failures deep")
		return nil
	}
	v.Require(pointer+"/message", input.Message)
	return &failure.Failure{
		Message: input.Message, StackTrace: input.StackTrace,
		EncodedAttributes: v.encodedAttributes(pointer+"/encodedAttributes", input.EncodedAttributes),
		FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
			Type: input.Type, NonRetryable: input.NonRetryable,
			Details:        v.Payloads(pointer+"/details", input.Details, pointer+"/detailPayloads", input.DetailPayloads),
			NextRetryDelay: v.Duration(pointer+"/nextRetryDelay", input.NextRetryDelay),
			Category:       Enum[enums.ApplicationErrorCategory](v, pointer+"/category", string(input.Category)),
		}},
		Cause: v.failure(pointer+"/cause", input.Cause, depth-1),
	}
}

func (v *Validation) encodedAttributes(pointer string, input *openapi.PayloadInput) *common.Payload {
	if input == nil {
		return nil
	}
	if detail := payloadError(*input); detail != "" {
		v.Add(pointer, detail)
	}
	if input.JSON != nil {
		return payload.FromJSON(input.JSON)
	}
	return &common.Payload{Metadata: input.Metadata, Data: input.Data}
}
