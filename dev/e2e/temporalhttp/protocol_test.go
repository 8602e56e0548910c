package temporalhttp_test

import (
	"net/http"
	"strings"
	"testing"
)

// routedExample is an example with an explicit HTTP method and path, which need not be those of a binding.
type routedExample struct {
	about, verb, path string
	example
}

// TestProtocol tests the formats of requests and responses that are the same for all RPC methods.
func TestProtocol(t *testing.T) {
	t.Parallel()
	for group, requests := range map[string][]routedExample{
		"forms": forms(), "queries": queries(), "bodies": bodies(), "payloads": payloads(), "ids": ids(), "routes": routes(),
		"headers": headers(), "large": large(),
	} {
		for _, c := range requests {
			t.Run(group+"/"+c.about, func(t *testing.T) {
				t.Parallel()
				c.compare(t, binding{verb: c.verb, template: c.path})
			})
		}
	}
}

const (
	workflowRoute = "/api/v1/namespaces/{namespace}/workflows/{workflow_id}"
	historyRoute  = workflowRoute + "/history"
	signalRoute   = workflowRoute + "/signal/{signal_name}"
)

// identity is the identity that the gateway sets for the API key "all". Requests to Temporal contain it, so that the
// stored identities are equal.
const identity = `"identity":"all",`

func get(about, path, query string) routedExample {
	return routedExample{about, http.MethodGet, path, example{query: query}}
}

// acceptHeader returns a header with the field Accept.
func acceptHeader(accept string) http.Header { return http.Header{"Accept": {accept}} }

// forms returns requests that select a form of JSON, such as indented or with complete payloads, by the query or by one
// of Temporal's media types.
func forms() []routedExample {
	form := func(about, query string, header http.Header) routedExample {
		return routedExample{about, http.MethodGet, historyRoute, example{prepare: completedOrder, query: query, header: header}}
	}
	send := func(about, contentType, body string) routedExample {
		return routedExample{about, http.MethodPost, workflowRoute, example{
			header: http.Header{"Content-Type": {contentType}},
			body:   `{` + identity + `"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},` + body + `}`,
			after:  workflow + "/history?noPayloadShorthand",
		}}
	}
	const long = `"input":{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"WzEsMl0="}]}`
	return []routedExample{
		form("plain", "", nil),
		form("pretty", "pretty", nil),
		form("pretty=false", "pretty=false", nil),
		form("noPayloadShorthand", "noPayloadShorthand", nil),
		form("noPayloadShorthand=0", "noPayloadShorthand=0", nil),
		form("both", "pretty&noPayloadShorthand=true", nil),
		form("another case", "Pretty", nil),
		form("accept pretty", "", acceptHeader("application/json+pretty")),
		form("accept long", "", acceptHeader("application/json+no-payload-shorthand")),
		form("accept both", "", acceptHeader("application/json+pretty+no-payload-shorthand")),
		form("accept both, in the other order", "", acceptHeader("application/json+no-payload-shorthand+pretty")),
		form("accept json", "", acceptHeader("application/json")),
		form("accept text", "", acceptHeader("text/plain")),
		form("accept many", "", acceptHeader("text/html, application/json+pretty")),
		form("accept twice", "", http.Header{"Accept": {"text/html", "application/json+pretty"}}),
		form("the query takes precedence", "pretty", acceptHeader("application/json+no-payload-shorthand")),
		{"error, pretty", http.MethodGet, workflowRoute, example{query: "pretty", status: http.StatusNotFound}},

		send("no type", "", `"input":[1]`),
		send("json with a charset", "application/json; charset=utf-8", `"input":[1]`),
		send("text", "text/plain", `"input":[1]`),
		send("form", "application/x-www-form-urlencoded", `"input":[1]`),
		send("pretty", "application/json+pretty", `"input":[1,{"a":"b"}]`),
		send("long", "application/json+no-payload-shorthand", long),
		send("long and pretty", "application/json+pretty+no-payload-shorthand", long),
		send("long in the plain type", "application/json", long),
		{"short in the long type", http.MethodPost, workflowRoute, example{
			header: http.Header{"Content-Type": {"application/json+no-payload-shorthand"}}, differentWording: true, status: http.StatusBadRequest,
			body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"q"},"input":[1]}`,
		}},
	}
}

// queries returns requests with valid and invalid fields in the query.
func queries() []routedExample {
	const workflows, taskQueue = "/api/v1/namespaces/{namespace}/workflows", "/api/v1/namespaces/{namespace}/task-queues/{name}"
	const matching = "/api/v1/namespaces/{namespace}/schedules/{schedule_id}/matching-times"
	history := func(about, query string) routedExample {
		return routedExample{about, http.MethodGet, historyRoute, example{prepare: completedOrder, query: query}}
	}
	invalid := func(about, path, query string) routedExample {
		return routedExample{about, http.MethodGet, path, example{query: query, status: http.StatusBadRequest, differentWording: true}}
	}
	times := func(about, query string) routedExample {
		return routedExample{about, http.MethodGet, matching, example{prepare: schedule, query: query}}
	}
	return []routedExample{
		history("nested", "execution.runId=${run}"),
		history("nested, by the proto's name", "execution.run_id=${run}"),
		history("enum by name", "historyEventFilterType=HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT"),
		history("enum by number", "history_event_filter_type=2"),
		history("bool as 1", "skipArchival=1&maximumPageSize=2"),
		history("bool as T", "skipArchival=T&maximumPageSize=2"),
		history("bool as TRUE", "skipArchival=TRUE&maximumPageSize=2"),
		history("number with a zero", "maximumPageSize=02"),
		invalid("number in hexadecimal", historyRoute, "maximumPageSize=0x2"),
		history("number with a sign", "maximumPageSize=%2B2"),
		history("unknown field", "nonsense=1&execution.nonsense=2&maximumPageSize=1"),
		history("a field of the path", "execution.workflowId=other&namespace=other"),
		history("empty token", "nextPageToken="),
		history("plus for space", "execution.runId=${run}&nonsense=a+b"),
		invalid("unknown enum", historyRoute, "historyEventFilterType=NOPE"),
		invalid("enum out of range", historyRoute, "historyEventFilterType=99"),
		invalid("not a number", workflows, "pageSize=ten"),
		invalid("number too large", workflows, "pageSize=3000000000"),
		invalid("not a bool", historyRoute, "waitNewEvent=perhaps"),
		invalid("not base64", workflows, "nextPageToken=%21%21"),
		invalid("a message is not a value", historyRoute, "execution=x"),
		invalid("repeated singular field", workflows, "pageSize=1&pageSize=2"),
		invalid("broken escape", workflows, "query=%zz&pageSize=1"),
		invalid("semicolon", workflows, "pageSize=1;query=x"),
		get("repeated", "/api/v1/namespaces/{namespace}/worker-task-reachability",
			"build_ids=a&taskQueues=q&taskQueues=r&reachability=2"),
		get("nested and repeated", taskQueue, "apiMode=1&versions.buildIds=a&versions.build_ids=b&taskQueueTypes=1&taskQueueTypes=2"),
		times("timestamps", "startTime=2101-01-01T00:00:00Z&end_time=2102-12-31T00:00:00%2B02:00"),
		times("fractions of a second", "startTime=2101-01-01T00:00:00.123456789Z&endTime=2102-01-01T00:00:00.5Z"),
		invalid("invalid timestamp", matching, "startTime=yesterday"),
		invalid("invalid duration", "/api/v1/namespaces/{namespace}/workers", "pageSize=x"),
	}
}

// bodies returns requests with valid and invalid bodies.
func bodies() []routedExample {
	const start = identity + `"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"}`
	valid := func(about, body string) routedExample {
		return routedExample{about, http.MethodPost, workflowRoute, example{body: body, after: workflow + "/history?noPayloadShorthand"}}
	}
	invalid := func(about, body string) routedExample {
		return routedExample{about, http.MethodPost, workflowRoute, example{body: body, status: http.StatusBadRequest, differentWording: true}}
	}
	return []routedExample{
		valid("names of the proto", `{`+identity+`"workflow_type":{"name":"Unpolled"},"task_queue":{"name":"${id}"},"workflow_run_timeout":"5s"}`),
		valid("null members", `{`+start+`,"input":null,"memo":null,"cronSchedule":null,"requestId":null,"workflowIdReusePolicy":null}`),
		valid("enums by number", `{`+start+`,"workflowIdReusePolicy":3,"workflow_id_conflict_policy":1}`),
		valid("number as text", `{`+start+`,"retryPolicy":{"maximumAttempts":"3","backoffCoefficient":"2.5"}}`),
		valid("number with an exponent", `{`+start+`,"retryPolicy":{"maximumAttempts":3e0,"backoffCoefficient":25e-1}}`),
		valid("durations", `{`+start+`,"workflowRunTimeout":"1.000000001s","workflowTaskTimeout":"7.250s"}`),
		valid("escapes", `{`+identity+`"workflowType":{"name":"\u00fc\n\"\\\/\ud83d\ude00"},"taskQueue":{"name":"${id}"}}`),
		valid("white space", "\n\t { "+start+" , \"requestId\" : \"x\" } \r\n"),
		valid("id of the path", `{`+start+`,"workflowId":"ignored"}`),
		invalid("unknown field", `{`+start+`,"nope":1}`),
		invalid("unknown nested field", `{"workflowType":{"name":"Unpolled","nope":1},"taskQueue":{"name":"q"}}`),
		invalid("wrong case", `{"WorkflowType":{"name":"Unpolled"}}`),
		invalid("truncated JSON", `{"workflowType"`),
		invalid("not an object", `[]`),
		invalid("a number", `7`),
		invalid("null", `null`),
		invalid("invalid enum", `{`+start+`,"workflowIdReusePolicy":"NOPE"}`),
		invalid("invalid duration", `{`+start+`,"workflowRunTimeout":"1m"}`),
		invalid("string for a message", `{"workflowType":"Unpolled"}`),
		invalid("number for a string", `{`+start+`,"requestId":7}`),
		invalid("fraction for a number", `{`+start+`,"retryPolicy":{"maximumAttempts":1.5}}`),
		invalid("number too large", `{`+start+`,"retryPolicy":{"maximumAttempts":3000000000}}`),
		invalid("member twice", `{`+start+`,"requestId":"a","requestId":"b"}`),
		invalid("member twice under both names", `{`+start+`,"requestId":"a","request_id":"b"}`),
		invalid("invalid UTF-8", `{`+start+`,"requestId":"`+"\xff"+`"}`),
		invalid("lone surrogate", `{`+start+`,"requestId":"\ud800"}`),
		invalid("invalid base64", `{"taskToken":"!!"}`),
		invalid("invalid payload map", `{`+start+`,"memo":{"fields":[1]}}`),
	}
}

// payloads returns requests with arguments that the gateway and Temporal store equally, and reads of these arguments.
func payloads() []routedExample {
	var all []routedExample
	for about, input := range map[string]string{
		"none": `[]`, "null": `[null]`, "text": `["x"]`, "numbers": `[0,-1,2.5,9007199254740991]`, "booleans": `[true,false]`,
		"an empty object": `[{}]`, "nested": `[{"a":{"b":[1,[2,3],{"c":null}]}}]`, "unicode": `["ü😀"]`,
		"long form":                 `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"WzEsMl0="}]}`,
		"long form in the list":     `[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"WzEsMl0="}]`,
		"binary null":               `[{"metadata":{"encoding":"YmluYXJ5L251bGw="}}]`,
		"binary":                    `[{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AAEC"}]`,
		"URL base64":                `[{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"_-8"}]`,
		"metadata with strings":     `[{"data":"x","metadata":{"encoding":"json/plain"}}]`,
		"metadata and more":         `[{"data":"WzFd","metadata":{"encoding":"anNvbi9wbGFpbg=="},"more":1}]`,
		"metadata, no encoding":     `[{"data":"WzFd","metadata":{"a":"Yg=="}}]`,
		"message":                   `[{"_protoMessageType":"temporal.api.common.v1.WorkflowType","name":"x"}]`,
		"message type not a string": `[{"_protoMessageType":7,"name":"x"}]`,
		"data that is not base64":   `[{"data":"!","metadata":{"encoding":"anNvbi9wbGFpbg=="}}]`,
		"several, of every kind":    `[1,"x",null,{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AAEC"},{"a":[1]}]`,
		"metadata that is a list":   `[{"data":"WzFd","metadata":[1]}]`,
	} {
		status := 0
		if about == "message type not a string" {
			status = http.StatusBadRequest
		}
		all = append(all, routedExample{about, http.MethodPost, workflowRoute, example{
			body:   `{` + identity + `"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},"input":` + input + `}`,
			status: status, differentWording: status != 0,
		}})
		if status == 0 {
			all[len(all)-1].after = workflow + "/history?noPayloadShorthand"
			start := all[len(all)-1].body
			all = append(all, routedExample{about + ", in the history", http.MethodGet, historyRoute, example{prepare: func(s *fixture) { s.start(start) }}})
		}
	}
	return all
}

// ids returns requests with unusual workflow ids that the gateway and Temporal accept.
func ids() []routedExample {
	var all []routedExample
	for about, suffix := range map[string]string{
		"space": " ", "colon": ":x", "percent": "%", "percent and digits": "%2F", "unicode": "ü", "plus": "+", "semicolon": ";a=b",
		"question mark": "?x", "hash": "#x", "star": "*", "dots": "..", "braces": "{x}", "quotes": `"'`, "backslash": `\`, "at": "@", "comma": ",",
	} {
		path := map[string]string{"workflow_id": "${id}" + suffix}
		all = append(all,
			routedExample{
				about + ", start", http.MethodPost, workflowRoute,
				example{
					path: path, body: `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"},"requestId":"${id}"}`,
					after: "/namespaces/default/workflow-count?query=WorkflowId%20STARTS_WITH%20%22${id}%22", applied: `"1"`,
				},
			},
			routedExample{about + ", absent", http.MethodGet, workflowRoute, example{path: path, status: http.StatusNotFound}},
		)
	}
	return all
}

// routes returns requests for which no route exists.
func routes() []routedExample {
	notFound := func(about, path string) routedExample {
		return routedExample{about, http.MethodGet, path, example{status: http.StatusNotFound, differentWording: true}}
	}
	return []routedExample{
		notFound("no route", "/api/v1/nonsense"),
		notFound("too deep", "/api/v1/namespaces/default/workflows/a/b/c/d"),
		notFound("another case", "/api/v1/Namespaces/default/workflows"),
	}
}

// large returns requests with a large body or a large response, which exceed the size of common buffers.
func large() []routedExample {
	largeHistory := func(s *fixture) {
		workflowWithoutWorker(s)
		for range 4 {
			s.call(http.MethodPost, workflow+"/signal/poke", `{"input":["`+strings.Repeat("<ü>", 20<<10)+`",{"a":[`+strings.Repeat("1,", 9<<10)+`1]}]}`)
		}
	}
	return []routedExample{
		{"history", http.MethodGet, historyRoute, example{prepare: largeHistory}},
		{"history, pretty", http.MethodGet, historyRoute, example{prepare: largeHistory, query: "pretty"}},
		{"history, long form", http.MethodGet, historyRoute, example{prepare: largeHistory, query: "noPayloadShorthand"}},
		{"history, long form, pretty", http.MethodGet, historyRoute, example{prepare: largeHistory, query: "noPayloadShorthand&pretty"}},
		{"signal", http.MethodPost, signalRoute, example{
			prepare: workflowWithoutWorker, path: map[string]string{"signal_name": "poke"}, after: workflow + "/history?noPayloadShorthand",
			body: `{` + identity + `"input":["` + strings.Repeat("x", 1<<20) + `"]}`,
		}},
		{"signal over the server's limit", http.MethodPost, signalRoute, example{
			prepare: workflowWithoutWorker, path: map[string]string{"signal_name": "poke"}, status: http.StatusBadRequest,
			body: `{` + identity + `"input":["` + strings.Repeat("x", 3<<20) + `"]}`,
		}},
	}
}

// headers returns requests with the header Grpc-Timeout.
func headers() []routedExample {
	timeout := func(value string, status int) routedExample {
		return routedExample{
			"Grpc-Timeout " + value, http.MethodGet, "/api/v1/cluster-info",
			example{header: http.Header{"Grpc-Timeout": {value}}, status: status, differentWording: status != 0},
		}
	}
	waiting := func(value string, status int) routedExample {
		return routedExample{
			"waiting with Grpc-Timeout " + value, http.MethodGet, historyRoute,
			example{prepare: workflowWithoutWorker, query: "waitNewEvent=true&historyEventFilterType=2", header: http.Header{"Grpc-Timeout": {value}}, status: status},
		}
	}
	return []routedExample{
		timeout("10S", 0), timeout("1H", 0), timeout("5000m", 0),
		timeout("1s", http.StatusBadRequest), timeout("S", http.StatusBadRequest), timeout("x", http.StatusBadRequest),
		timeout("1n", http.StatusGatewayTimeout),
		waiting("2S", 0), waiting("900m", 0),
	}
}
