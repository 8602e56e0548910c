package handlers

import (
	"github.com/flowgate/flowgate/internal/handlers/convert"
)

// Stamp makes the stamp of a write on target.
func (c *operationRequest) stamp(target ...string) (convert.Stamp, error) {
	requestID, err := c.requestID(target...)
	return convert.Stamp{Namespace: c.namespace, Identity: c.identity(), RequestID: requestID, Header: c.workflowHeader()}, err
}

// stampWrite makes the stamp of a write on the request's workflow. It is that of
// the run that the caller names: a write that is sent again may find another one.
func (c *operationRequest) stampWrite(name ...string) (convert.Stamp, error) {
	return c.stamp(append([]string{c.execution.GetWorkflowId(), c.handle.runID}, name...)...)
}
