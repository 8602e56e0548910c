package problem

// batchError puts in a batch's words what the server says in a workflow's, because
// a workflow of its own does a batch's work.
func batchError(e *Error) *Error {
	switch e.Code {
	case WorkflowNotFound:
		return New(BatchNotFound, "There is no batch job of this id.")
	case WorkflowCompleted:
		return New(Conflict, "The batch job has ended.")
	case WorkflowAlreadyStarted:
		return New(Conflict, "There is, or was, a batch job or a workflow of this id.")
	default:
		return e
	}
}
