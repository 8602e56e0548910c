package problem

// batchError replaces errors about a workflow by errors about a batch job. The
// server runs each batch job as a workflow, and its errors are about that
// workflow.
func batchError(e *Error) *Error {
	switch e.Code {
	case WorkflowNotFound:
		return New(BatchNotFound, "There is no batch job with this id.")
	case WorkflowCompleted:
		return New(Conflict, "The batch job has ended.")
	case WorkflowAlreadyStarted:
		return New(Conflict, "A batch job or a workflow with this id exists or has existed.")
	default:
		return e
	}
}
