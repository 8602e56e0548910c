package handlers

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// retryPending is the Retry-After of a wait that timed out.
const retryPending = time.Second

// outcomeResponse answers with an outcome. It is data, and so 200, unless the
// caller asked for another status on failures.
func outcomeResponse(o *openapi.Outcome, failureStatus *int) *response {
	a := okResponse(o)
	if failureStatus != nil && o.Failure != nil {
		a.status = *failureStatus
	}
	return a
}

// pendingResponse is the response to a wait that timed out, with the URL of the same
// wait.
func pendingResponse(namespace string, p openapi.Pending, want outcomeQuery) *response {
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
	return &response{
		status: http.StatusAccepted, body: p, retryAfter: retryPending,
		location: convert.ResultPath(namespace, p.WorkflowID, p.RunID, query),
	}
}
