package server_test

const batches = "/v1/namespaces/default/batches"

const eventsPath = "/v1/namespaces/default/workflows/order/history"

// start1 is a start request with one more member.
func start1(member string) string {
	if member != "" {
		member = "," + member
	}
	return `{"workflowType":"T","workflowId":"w","taskQueue":"q"` + member + `}`
}

const workflows = "/v1/namespaces/default/workflows"

const order = workflows + "/order"

// approval is what the tests' delegated tokens are good for, where nothing else
// is said.
const approval = `{"read":true,"signals":["approve"],"ttl":"10m"}`

const updatesPath = "/v1/namespaces/default/workflows/order/updates"

const resultPath = "/v1/namespaces/default/workflows/order/result"
