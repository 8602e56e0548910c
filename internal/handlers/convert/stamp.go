package convert

import "go.temporal.io/api/common/v1"

// Stamp has the fields of a request to the Temporal server that the gateway sets
// itself: none of them comes from the request body.
type Stamp struct {
	Namespace, Identity string
	// RequestID is the key by which the server deduplicates the request.
	RequestID string
	// Header carries the trace context to the workflow's code. It is nil without a
	// trace.
	Header *common.Header
}
