package handlerstest

// AddItemBody is the body of a request that sends the update addItem.
const AddItemBody = `{"update":"addItem","args":[{"sku":"A-17"}],"updateId":"u-1"}`

// UpdateWithStartPath is the path of an update with start.
const UpdateWithStartPath = "/v1/namespaces/default/workflows:updateWithStart"

// UpdateWithStartBody returns the body of an update with start. Fields is JSON text that
// adds members to the start, and begins with a comma unless it is empty.
func UpdateWithStartBody(fields string) string {
	return `{"start":{"workflowType":"Order","workflowId":"order","taskQueue":"orders","idConflictPolicy":"USE_EXISTING"` + fields +
		`},"update":{"update":"addItem","args":[1],"updateId":"u-1"}}`
}
