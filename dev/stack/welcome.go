package stack

import (
	"fmt"
	"slices"
	"strings"
)

// welcome prints the addresses in one line, and commands to paste into another terminal.
func (r *runner) welcome(stack *Stack, gateway *Gateway) {
	r.progress.Println(fmt.Sprintf("ready: gateway %s, admin %s, Temporal %s, log %s; Ctrl-C stops all. Try:",
		gateway.URL, gateway.AdminURL, stack.Temporal().Address(), r.options.LogFile))
	_, _ = fmt.Fprintf(r.options.Out, "\n%s\n", strings.Join(slices.Concat(orderCommands(gateway.URL), ScheduleCommands(gateway.URL)), "\n"))
}

// authorization returns the option of curl for an API key.
func authorization(key string) string { return "-H 'Authorization: Bearer " + key + "' " }

// orderCommands returns three curl commands. They start an order and wait for its result, read the result again, and
// find the order by its customer. They can be repeated, because a workflow id can be reused once its workflow has closed.
func orderCommands(url string) []string {
	const order = `{"workflowType":"Order","workflowId":"order-1","taskQueue":"orders","args":[` +
		`{"orderId":"order-1","customerId":"customer-1","items":[{"sku":"book","quantity":2,"price":1250}],"autoApprove":true}]}`
	workflows := url + "/v1/namespaces/default/workflows"
	return []string{
		"curl -s " + authorization(WriterKey) + "-H 'Content-Type: application/json' '" + workflows + "?wait=10s' -d '" + order + "'",
		"curl -s " + authorization(ReaderKey) + "'" + workflows + "/order-1/result'",
		"curl -s " + authorization(ReaderKey) + "-G '" + workflows + "' --data-urlencode 'query=CustomerId = \"customer-1\"'",
	}
}

// ScheduleCommands returns the curl commands about schedules that make run prints, for the gateway at url. They create a
// schedule and start its first workflow, find that workflow, and delete the schedule, so they can be repeated.
func ScheduleCommands(url string) []string {
	const schedule = `{"scheduleId":"nightly","schedule":{"action":{"workflowType":"Report","workflowId":"nightly","taskQueue":"orders",` +
		`"args":[{"shop":"Zurich"}]},"spec":{"cronExpressions":["0 2 * * *"]}},"triggerImmediately":true}`
	namespace := url + "/v1/namespaces/default"
	return []string{
		"curl -s " + authorization(WriterKey) + "-H 'Content-Type: application/json' '" + namespace + "/schedules' -d '" + schedule + "'",
		"curl -s " + authorization(ReaderKey) + "-G '" + namespace + "/workflows' --data-urlencode 'query=TemporalScheduledById = \"nightly\"'",
		"curl -s " + authorization(WriterKey) + "-X DELETE '" + namespace + "/schedules/nightly'",
	}
}
