package servertest

// Paths of the client API that many tests use. OrderPath is the path of the workflow "order", which package
// temporalfake serves.
const (
	WorkflowsPath = "/v1/namespaces/default/workflows"
	BatchesPath   = "/v1/namespaces/default/batches"
	SchedulesPath = "/v1/namespaces/default/schedules"
	OrderPath     = WorkflowsPath + "/order"
	HistoryPath   = OrderPath + "/history"
	UpdatesPath   = OrderPath + "/updates"
	ResultPath    = OrderPath + "/result"
)

// TokenBody is the body of a request for a delegated token that permits reading the workflow and sending the signal
// "approve".
const TokenBody = `{"read":true,"signals":["approve"],"ttl":"10m"}`

// StartBody returns the body of a request that starts a workflow. member is an additional member of the JSON object, or
// empty.
func StartBody(member string) string {
	if member != "" {
		member = "," + member
	}
	return `{"workflowType":"T","workflowId":"w","taskQueue":"q"` + member + `}`
}
