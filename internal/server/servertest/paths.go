package servertest

// Paths of the client API that many tests use. OrderPath is the workflow
// "order", the one that package temporalfake serves.
const (
	WorkflowsPath = "/v1/namespaces/default/workflows"
	BatchesPath   = "/v1/namespaces/default/batches"
	OrderPath     = WorkflowsPath + "/order"
	HistoryPath   = OrderPath + "/history"
	UpdatesPath   = OrderPath + "/updates"
	ResultPath    = OrderPath + "/result"
)

// TokenBody is the body of a request for a delegated token that may read its
// workflow and send the signal "approve".
const TokenBody = `{"read":true,"signals":["approve"],"ttl":"10m"}`

// StartBody returns the body of a start request. member is one more member of
// the object, or empty.
func StartBody(member string) string {
	if member != "" {
		member = "," + member
	}
	return `{"workflowType":"T","workflowId":"w","taskQueue":"q"` + member + `}`
}
