package operation

import (
	"net/http"

	"github.com/flowgate/flowgate/internal/problem"
)

// CheckFailureStatus validates the parameter failureStatus, the HTTP status that a caller
// requests for outcomes that are failures. Call it before any call to Temporal, so that
// a rejected request has no effect.
func CheckFailureStatus(status *int) error {
	if status != nil && *status != http.StatusUnprocessableEntity {
		return problem.Invalid("?failureStatus", "must be 422")
	}
	return nil
}
