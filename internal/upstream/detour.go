package upstream

import (
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/problem"
)

// systemWorkflows is how the ids of the server's own workflows begin. A signal
// to a schedule's tells it what to start.
const systemWorkflows = "temporal-sys-"

// checkDetours refuses a caller that may start some workflow types only, or use
// some task queues, the ways by which a start is asked for without naming it:
// the server's own workflows, batches, which reach them and all others, and runs
// of a schedule that somebody else may have made.
func (c *Client) checkDetours(fullMethod string, request []byte) error {
	detour := strings.HasPrefix(c.methods[fullMethod].resource.in(request), systemWorkflows)
	switch fullMethod {
	case workflowservice.WorkflowService_StartBatchOperation_FullMethodName:
		detour = true
	case workflowservice.WorkflowService_PatchSchedule_FullMethodName:
		patch := &workflowservice.PatchScheduleRequest{}
		if proto.Unmarshal(request, patch) != nil {
			return problem.New(problem.InvalidRequest, "The request is not a valid protobuf message.")
		}
		p := patch.GetPatch()
		detour = detour || p.GetTriggerImmediately() != nil || len(p.GetBackfillRequest()) > 0 || p.GetUnpause() != ""
	}
	if detour {
		return problem.New(problem.OperationForbidden, "The caller may start some workflow types only, and the call could start others.")
	}
	return nil
}
