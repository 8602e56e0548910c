package stack

import (
	"fmt"
	"strings"
)

// welcome prints the addresses in one line, and three commands to paste into another terminal.
func (r *runner) welcome(stack *Stack, gateway *Gateway) {
	r.progress.Println(fmt.Sprintf("ready: gateway %s, admin %s, Temporal %s, log %s; Ctrl-C stops all. Try:",
		gateway.URL, gateway.AdminURL, stack.Temporal().Address(), r.options.LogFile))
	_, _ = fmt.Fprintf(r.options.Out, "\n%s\n", strings.Join(commands(gateway.URL), "\n"))
}

// commands returns three curl commands. They start an order and wait for its result, read the result again, and find
// the order by its customer. They can be repeated, because a workflow id can be reused once its workflow has closed.
func commands(url string) []string {
	const order = `{"workflowType":"Order","workflowId":"order-1","taskQueue":"orders","args":[` +
		`{"orderId":"order-1","customerId":"customer-1","items":[{"sku":"book","quantity":2,"price":1250}],"autoApprove":true}]}`
	workflows := url + "/v1/namespaces/default/workflows"
	authorization := func(key string) string { return "-H 'Authorization: Bearer " + key + "' " }
	return []string{
		"curl -s " + authorization(WriterKey) + "-H 'Content-Type: application/json' '" + workflows + "?wait=10s' -d '" + order + "'",
		"curl -s " + authorization(ReaderKey) + "'" + workflows + "/order-1/result'",
		"curl -s " + authorization(ReaderKey) + "-G '" + workflows + "' --data-urlencode 'query=CustomerId = \"customer-1\"'",
	}
}
