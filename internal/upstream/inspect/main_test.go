package inspect_test

import (
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

const (
	orders   = "orders"
	payments = "payments" // the namespace of another tenant

	start           = workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName
	workflowService = "/temporal.api.workflowservice.v1.WorkflowService/"
	operatorService = "/temporal.api.operatorservice.v1.OperatorService/"
)

// compiled has the compiled checks of all RPCs, by full method name.
var compiled = inspect.Compile() //nolint:gochecknoglobals // it is immutable

// check checks a request that a caller without limits sends to the namespace orders.
func check(method string, request []byte) error {
	return checkFor(auth.Principal{CompletionCallbacks: true}, method, request)
}

// checkFor checks a request that the principal sends to the namespace orders.
func checkFor(principal auth.Principal, method string, request []byte) error {
	return compiled[method].Check(&principal, orders, request)
}
