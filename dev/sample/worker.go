package sample

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// TaskQueue is the task queue of the sample worker in the development stack.
const TaskQueue = "orders"

// NewWorker returns a worker for all sample workflows on taskQueue. The caller starts it.
func NewWorker(temporal client.Client, taskQueue string) worker.Worker {
	w := worker.New(temporal, taskQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(Order, workflow.RegisterOptions{Name: "Order"})
	w.RegisterWorkflowWithOptions(Sleep, workflow.RegisterOptions{Name: "Sleep"})
	w.RegisterWorkflowWithOptions(Wait, workflow.RegisterOptions{Name: "Wait"})
	w.RegisterWorkflowWithOptions(Fail, workflow.RegisterOptions{Name: "Fail"})
	w.RegisterWorkflowWithOptions(Chain, workflow.RegisterOptions{Name: "Chain"})
	w.RegisterWorkflowWithOptions(EchoPayload, workflow.RegisterOptions{Name: "EchoPayload"})
	w.RegisterWorkflowWithOptions(Approval, workflow.RegisterOptions{Name: "Approval"})
	w.RegisterWorkflowWithOptions(ObserveFailure, workflow.RegisterOptions{Name: "ObserveFailure"})
	w.RegisterWorkflowWithOptions(Import, workflow.RegisterOptions{Name: "Import"})
	w.RegisterWorkflowWithOptions(Purchase, workflow.RegisterOptions{Name: "Purchase"})
	w.RegisterWorkflowWithOptions(Report, workflow.RegisterOptions{Name: "Report"})
	w.RegisterDynamicWorkflow(echoAny, workflow.DynamicRegisterOptions{})
	w.RegisterActivityWithOptions(charge, activity.RegisterOptions{Name: chargeActivity})
	w.RegisterActivityWithOptions(refund, activity.RegisterOptions{Name: refundActivity})
	w.RegisterActivityWithOptions(approve, activity.RegisterOptions{Name: ApproveActivity})
	return w
}
