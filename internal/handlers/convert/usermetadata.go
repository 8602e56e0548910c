package convert

import (
	"github.com/go-json-experiment/json"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/sdk/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
)

// userMetadata encodes the summary and the details, which UIs display.
func userMetadata(summary, details string) *sdk.UserMetadata {
	if summary == "" && details == "" {
		return nil
	}
	return &sdk.UserMetadata{Summary: textPayload(summary), Details: textPayload(details)}
}

func textPayload(text string) *common.Payload {
	if text == "" {
		return nil
	}
	value, _ := json.Marshal(text) // never fails: text was decoded from JSON
	return payload.FromJSON(value)
}

// StringPayload decodes a payload that is a JSON string. It returns an empty string for any
// other payload.
func StringPayload(p *common.Payload) string {
	var s string
	if value, ok := payload.ToJSON(p); ok {
		_ = json.Unmarshal(value, &s)
	}
	return s
}

// appendUserMetadata appends the summary and the details as members of a JSON object.
func appendUserMetadata(dst, wire []byte) ([]byte, error) {
	metadata := &sdk.UserMetadata{}
	if err := proto.Unmarshal(wire, metadata); err != nil {
		return dst, err
	}
	members, err := Marshal(struct {
		Summary string `json:"staticSummary,omitempty"`
		Details string `json:"staticDetails,omitempty"`
	}{StringPayload(metadata.GetSummary()), StringPayload(metadata.GetDetails())})
	return append(dst, members[1:len(members)-1]...), err
}
