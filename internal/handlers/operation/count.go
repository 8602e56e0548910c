package operation

import (
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/problem"
)

// countGroup is a group in the response to one of the RPCs that count.
type countGroup interface {
	GetGroupValues() []*common.Payload
	GetCount() int64
}

// Count returns the response of an operation that counts, with the groups of a query that
// has GROUP BY. It returns [problem.UnreadableResponse] for a value that it cannot decode.
func Count[G countGroup](count int64, groups []G) (openapi.Count, error) {
	rendered := openapi.Count{Count: count}
	for _, group := range groups {
		values := make([]openapi.JSON, 0, len(group.GetGroupValues()))
		for _, p := range group.GetGroupValues() {
			attribute, ok := payload.ToSearchAttribute(p)
			if !ok {
				return openapi.Count{}, problem.UnreadableResponse(nil)
			}
			values = append(values, attribute.Value)
		}
		rendered.Groups = append(rendered.Groups, openapi.CountGroup{Values: values, Count: group.GetCount()})
	}
	return rendered, nil
}
