package handlers

import (
	"go.temporal.io/api/common/v1"
)

// stamp is what the gateway itself puts into a request to the Temporal server.
type stamp struct {
	namespace, identity string
	// requestID makes the request one that the server recognises when it is
	// repeated.
	requestID string
	// header carries the trace to the workflow's code; nil without a trace.
	header *common.Header
}

// stamp makes the stamp of a write on target.
func (c *operationRequest) stamp(target ...string) (stamp, error) {
	requestID, err := c.requestID(target...)
	return stamp{c.namespace, c.identity(), requestID, c.workflowHeader()}, err
}

// stampWrite makes the stamp of a write on the request's workflow. It is that of
// the run that the caller names: a write that is sent again may find another one.
func (c *operationRequest) stampWrite(name ...string) (stamp, error) {
	return c.stamp(append([]string{c.execution.GetWorkflowId(), c.handle.runID}, name...)...)
}
