package handlerstest

// AddItemBody is the body of an update.
const AddItemBody = `{"update":"addItem","args":[{"sku":"A-17"}],"updateId":"u-1"}`

// UpdateWithStartPath is the path of an update with start.
const UpdateWithStartPath = "/v1/namespaces/default/workflows:updateWithStart"

// UpdateWithStartBody returns the body of an update with start. Fields are more members
// of its start, each after a comma.
func UpdateWithStartBody(fields string) string {
	return `{"start":{"workflowType":"Order","workflowId":"order","taskQueue":"orders","idConflictPolicy":"USE_EXISTING"` + fields +
		`},"update":{"update":"addItem","args":[1],"updateId":"u-1"}}`
}
