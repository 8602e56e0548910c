package handlers

import (
	"net/url"
	"strconv"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// outcomeResponse answers with an outcome. It is data, and so 200, unless the
// caller asked for another status on failures.
func outcomeResponse(o *openapi.Outcome, failureStatus *int) *operation.Response {
	response := operation.OK(o)
	if failureStatus != nil && o.Failure != nil {
		response.Status = *failureStatus
	}
	return response
}

// pendingResponse is the response to a wait that timed out, with the URL of the same
// wait.
func pendingResponse(namespace string, p openapi.Pending, want outcomeQuery) *operation.Response {
	p.Status = "RUNNING"
	query := url.Values{}
	if !want.followRuns {
		query.Set("followRuns", "false")
	}
	if want.followReset {
		query.Set("followReset", "true")
	}
	if want.failureStatus != nil {
		query.Set("failureStatus", strconv.Itoa(*want.failureStatus))
	}
	return operation.Accepted(p, convert.ResultPath(namespace, p.WorkflowID, p.RunID, query))
}
