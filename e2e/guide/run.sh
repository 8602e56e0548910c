#!/usr/bin/env bash
# Runs the programs of docs/guide.md that wait for an outcome, through a proxy that cuts connections.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
check "guide/the programs are in the guide" python3 recipes.py "$work"
if [ "$code" -ne 0 ]; then exit "$code"; fi

# send PATH BODY sends a POST request for the namespace.
send() {
	curl -s --fail-with-body -o "$work/response.json" "$FLOWGATE_URL/v1/namespaces/$FLOWGATE_NAMESPACE/$1" \
		-H "Authorization: Bearer $FLOWGATE_KEY" -H 'Content-Type: application/json' -d "$2"
}

# waits COMMAND... starts an order, approves it after four seconds, and requires that the command prints the outcome.
waits() {
	local id=guide-$RANDOM$RANDOM
	send workflows "{\"workflowType\":\"Order\",\"workflowId\":\"$id\",\"taskQueue\":\"$FLOWGATE_TASK_QUEUE\",
		\"args\":[{\"orderId\":\"$id\",\"items\":[{\"sku\":\"pen\",\"quantity\":1,\"price\":300}]}]}"
	(sleep 4 && send "workflows/$id/signal" '{"signal":"approve","args":[{"by":"ann"}]}') &
	python3 cut.py "$@" "/v1/namespaces/$FLOWGATE_NAMESPACE/workflows/$id/result?followRuns=true" >"$work/outcome.json"
	wait
	python3 -c 'import json, sys; outcome = json.load(sys.stdin); assert outcome["result"]["status"] == "approved", outcome' \
		<"$work/outcome.json"
}

check "guide/Python waits" waits python3 "$work/wait.py"
check "guide/JavaScript waits" waits node "$work/wait.mjs"
check "guide/Go is built" go build -o "$work/wait" "$work/wait.go"
check "guide/Go waits" waits "$work/wait"
check "guide/Java is compiled" javac -d "$work" "$work/Wait.java"
check "guide/Java waits" waits java -cp "$work" Wait
exit "$code"
