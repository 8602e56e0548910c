package problem_test

import (
	"errors"
	"fmt"
	"net/http/httptest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/problem"
)

// The response contains the detail and the members of the error. Only the log contains
// the cause.
func ExampleWrite() {
	err := problem.Invalid("/taskQueue", "is missing").WithCause(errors.New("only for the log"))

	w := httptest.NewRecorder()
	problem.Write(w, err, problem.Occurrence{RequestID: "req-1", Instance: "/v1/namespaces/{namespace}/workflows"})
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Print(w.Body)
	// Output:
	// 400 application/problem+json
	// {"type":"/docs/problems#invalid-request","title":"Invalid request","status":400,"detail":"/taskQueue: is missing","instance":"/v1/namespaces/{namespace}/workflows","code":"invalid-request","requestId":"req-1","retryable":false,"errors":[{"pointer":"/taskQueue","detail":"is missing"}]}
}

// The upstream's status selects the code. Only the log contains the message of a status
// with the code Unavailable.
func ExampleFromStatus() {
	err := problem.FromStatus(status.New(codes.Unavailable, "dial tcp 10.0.0.1:7233"), "QueryWorkflow")
	fmt.Println(err.Code, err.Code.Row().Status)
	fmt.Println(err.Detail)
	fmt.Println(err.Status().Message())
	// Output:
	// upstream-unavailable 503
	// The Temporal server cannot be reached at the moment.
	// The Temporal server cannot be reached at the moment.
}

func ExampleOf() {
	wrapped := fmt.Errorf("handler: %w", problem.New(problem.Conflict, "The batch job has ended."))
	fmt.Println(problem.Of(wrapped).Code)
	fmt.Println(problem.Of(errors.New("a defect")).Code)
	// Output:
	// conflict
	// internal
}
