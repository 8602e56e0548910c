package temporalhttp_test

import (
	"net/http"
	"strings"
	"testing"
)

// routed is an example with its own route, which need not be that of a method.
type routed struct {
	about, verb, path string
	example
}

// TestProtocol tests the formats of requests and responses, regardless of the method.
func TestProtocol(t *testing.T) {
	t.Parallel()
	for group, some := range map[string][]routed{
		"forms": forms(), "queries": queries(), "bodies": bodies(), "payloads": payloads(), "ids": ids(), "routes": routes(),
		"headers": headers(), "large": large(),
	} {
		for _, c := range some {
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

// me is the identity that the gateway sets, regardless of the identity in the request.
const me = `"identity":"all",`

func get(about, path, query string) routed {
	return routed{about, http.MethodGet, path, example{query: query}}
}

// acceptHeader returns a header with the accepted type.
func acceptHeader(accept string) http.Header { return http.Header{"Accept": {accept}} }

// forms returns requests for another form of JSON, by the query or by Temporal's content types.
func forms() []routed {
	form := func(about, query string, header http.Header) routed {
		return routed{about, http.MethodGet, historyRoute, example{prepare: order, query: query, header: header}}
	}
	sending := func(about, contentType, body string) routed {
		return routed{about, http.MethodPost, workflowRoute, example{
			header: http.Header{"Content-Type": {contentType}},
			body:   `{` + me + `"workflowType":{"name":"Nobody"},"taskQueue":{"name":"${id}"},` + body + `}`,
			after:  workflow + "/history?noPayloadShorthand",
		}}
	}
	const long = `"input":{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"WzEsMl0="}]}`
	return []routed{
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
		form("accept both, the other way", "", acceptHeader("application/json+no-payload-shorthand+pretty")),
		form("accept json", "", acceptHeader("application/json")),
		form("accept text", "", acceptHeader("text/plain")),
		form("accept many", "", acceptHeader("text/html, application/json+pretty")),
		form("accept twice", "", http.Header{"Accept": {"text/html", "application/json+pretty"}}),
		form("the query wins", "pretty", acceptHeader("application/json+no-payload-shorthand")),
		{"error, pretty", http.MethodGet, workflowRoute, example{query: "pretty", status: http.StatusNotFound}},

		sending("no type", "", `"input":[1]`),
		sending("json with a charset", "application/json; charset=utf-8", `"input":[1]`),
		sending("text", "text/plain", `"input":[1]`),
		sending("form", "application/x-www-form-urlencoded", `"input":[1]`),
		sending("pretty", "application/json+pretty", `"input":[1,{"a":"b"}]`),
		sending("long", "application/json+no-payload-shorthand", long),
		sending("long and pretty", "application/json+pretty+no-payload-shorthand", long),
		sending("long in the plain type", "application/json", long),
		{"short in the long type", http.MethodPost, workflowRoute, example{
			header: http.Header{"Content-Type": {"application/json+no-payload-shorthand"}}, wording: true, status: http.StatusBadRequest,
			body: `{"workflowType":{"name":"Nobody"},"taskQueue":{"name":"q"},"input":[1]}`,
		}},
	}
}

// queries returns the forms of a field in the query.
func queries() []routed {
	const workflows, taskQueue = "/api/v1/namespaces/{namespace}/workflows", "/api/v1/namespaces/{namespace}/task-queues/{name}"
	const matching = "/api/v1/namespaces/{namespace}/schedules/{schedule_id}/matching-times"
	history := func(about, query string) routed {
		return routed{about, http.MethodGet, historyRoute, example{prepare: order, query: query}}
	}
	bad := func(about, path, query string) routed {
		return routed{about, http.MethodGet, path, example{query: query, status: http.StatusBadRequest, wording: true}}
	}
	times := func(about, query string) routed {
		return routed{about, http.MethodGet, matching, example{prepare: schedule, query: query}}
	}
	return []routed{
		history("nested", "execution.runId=${run}"),
		history("nested, by the proto's name", "execution.run_id=${run}"),
		history("enum by name", "historyEventFilterType=HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT"),
		history("enum by number", "history_event_filter_type=2"),
		history("bool as 1", "skipArchival=1&maximumPageSize=2"),
		history("bool as T", "skipArchival=T&maximumPageSize=2"),
		history("bool as TRUE", "skipArchival=TRUE&maximumPageSize=2"),
		history("number with a zero", "maximumPageSize=02"),
		bad("number in hexadecimal", historyRoute, "maximumPageSize=0x2"),
		history("number with a sign", "maximumPageSize=%2B2"),
		history("unknown field", "nonsense=1&execution.nonsense=2&maximumPageSize=1"),
		history("a field of the path", "execution.workflowId=other&namespace=other"),
		history("empty token", "nextPageToken="),
		history("plus for space", "execution.runId=${run}&nonsense=a+b"),
		bad("unknown enum", historyRoute, "historyEventFilterType=NOPE"),
		bad("enum out of range", historyRoute, "historyEventFilterType=99"),
		bad("no number", workflows, "pageSize=ten"),
		bad("number too large", workflows, "pageSize=3000000000"),
		bad("no bool", historyRoute, "waitNewEvent=perhaps"),
		bad("no base64", workflows, "nextPageToken=%21%21"),
		bad("a message is not a value", historyRoute, "execution=x"),
		bad("several of one", workflows, "pageSize=1&pageSize=2"),
		bad("broken escape", workflows, "query=%zz&pageSize=1"),
		bad("semicolon", workflows, "pageSize=1;query=x"),
		get("repeated", "/api/v1/namespaces/{namespace}/worker-task-reachability",
			"build_ids=a&taskQueues=q&taskQueues=r&reachability=2"),
		get("nested and repeated", taskQueue, "apiMode=1&versions.buildIds=a&versions.build_ids=b&taskQueueTypes=1&taskQueueTypes=2"),
		times("timestamps", "startTime=2101-01-01T00:00:00Z&end_time=2102-12-31T00:00:00%2B02:00"),
		times("fractions of a second", "startTime=2101-01-01T00:00:00.123456789Z&endTime=2102-01-01T00:00:00.5Z"),
		bad("bad timestamp", matching, "startTime=yesterday"),
		bad("bad duration", "/api/v1/namespaces/{namespace}/workers", "pageSize=x"),
	}
}

// bodies returns valid and invalid forms of a body.
func bodies() []routed {
	const start = me + `"workflowType":{"name":"Nobody"},"taskQueue":{"name":"${id}"}`
	good := func(about, body string) routed {
		return routed{about, http.MethodPost, workflowRoute, example{body: body, after: workflow + "/history?noPayloadShorthand"}}
	}
	bad := func(about, body string) routed {
		return routed{about, http.MethodPost, workflowRoute, example{body: body, status: http.StatusBadRequest, wording: true}}
	}
	return []routed{
		good("names of the proto", `{`+me+`"workflow_type":{"name":"Nobody"},"task_queue":{"name":"${id}"},"workflow_run_timeout":"5s"}`),
		good("null members", `{`+start+`,"input":null,"memo":null,"cronSchedule":null,"requestId":null,"workflowIdReusePolicy":null}`),
		good("enums by number", `{`+start+`,"workflowIdReusePolicy":3,"workflow_id_conflict_policy":1}`),
		good("number as text", `{`+start+`,"retryPolicy":{"maximumAttempts":"3","backoffCoefficient":"2.5"}}`),
		good("number with an exponent", `{`+start+`,"retryPolicy":{"maximumAttempts":3e0,"backoffCoefficient":25e-1}}`),
		good("durations", `{`+start+`,"workflowRunTimeout":"1.000000001s","workflowTaskTimeout":"7.250s"}`),
		good("escapes", `{`+me+`"workflowType":{"name":"\u00fc\n\"\\\/\ud83d\ude00"},"taskQueue":{"name":"${id}"}}`),
		good("white space", "\n\t { "+start+" , \"requestId\" : \"x\" } \r\n"),
		good("id of the path", `{`+start+`,"workflowId":"ignored"}`),
		bad("unknown field", `{`+start+`,"nope":1}`),
		bad("unknown nested field", `{"workflowType":{"name":"Nobody","nope":1},"taskQueue":{"name":"q"}}`),
		bad("wrong case", `{"WorkflowType":{"name":"Nobody"}}`),
		bad("no JSON", `{"workflowType"`),
		bad("no object", `[]`),
		bad("a number", `7`),
		bad("null", `null`),
		bad("bad enum", `{`+start+`,"workflowIdReusePolicy":"NOPE"}`),
		bad("bad duration", `{`+start+`,"workflowRunTimeout":"1m"}`),
		bad("text for a message", `{"workflowType":"Nobody"}`),
		bad("number for a text", `{`+start+`,"requestId":7}`),
		bad("fraction for a number", `{`+start+`,"retryPolicy":{"maximumAttempts":1.5}}`),
		bad("number too large", `{`+start+`,"retryPolicy":{"maximumAttempts":3000000000}}`),
		bad("member twice", `{`+start+`,"requestId":"a","requestId":"b"}`),
		bad("member twice under both names", `{`+start+`,"requestId":"a","request_id":"b"}`),
		bad("bad UTF-8", `{`+start+`,"requestId":"`+"\xff"+`"}`),
		bad("lone surrogate", `{`+start+`,"requestId":"\ud800"}`),
		bad("bad base64", `{"taskToken":"!!"}`),
		bad("bad payload map", `{`+start+`,"memo":{"fields":[1]}}`),
	}
}

// payloads returns values that Temporal preserves, or at least as well as the gateway.
func payloads() []routed {
	var all []routed
	for about, input := range map[string]string{
		"none": `[]`, "null": `[null]`, "text": `["x"]`, "numbers": `[0,-1,2.5,9007199254740991]`, "booleans": `[true,false]`,
		"an empty object": `[{}]`, "nested": `[{"a":{"b":[1,[2,3],{"c":null}]}}]`, "unicode": `["ü😀"]`,
		"long form":               `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"WzEsMl0="}]}`,
		"long form in the list":   `[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"WzEsMl0="}]`,
		"binary null":             `[{"metadata":{"encoding":"YmluYXJ5L251bGw="}}]`,
		"binary":                  `[{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AAEC"}]`,
		"URL base64":              `[{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"_-8"}]`,
		"metadata that is text":   `[{"data":"x","metadata":{"encoding":"json/plain"}}]`,
		"metadata and more":       `[{"data":"WzFd","metadata":{"encoding":"anNvbi9wbGFpbg=="},"more":1}]`,
		"metadata, no encoding":   `[{"data":"WzFd","metadata":{"a":"Yg=="}}]`,
		"message":                 `[{"_protoMessageType":"temporal.api.common.v1.WorkflowType","name":"x"}]`,
		"message type no text":    `[{"_protoMessageType":7,"name":"x"}]`,
		"data that is not base64": `[{"data":"!","metadata":{"encoding":"anNvbi9wbGFpbg=="}}]`,
		"several, of every kind":  `[1,"x",null,{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AAEC"},{"a":[1]}]`,
		"metadata that is a list": `[{"data":"WzFd","metadata":[1]}]`,
	} {
		status := 0
		if about == "message type no text" {
			status = http.StatusBadRequest
		}
		all = append(all, routed{about, http.MethodPost, workflowRoute, example{
			body:   `{` + me + `"workflowType":{"name":"Nobody"},"taskQueue":{"name":"${id}"},"input":` + input + `}`,
			status: status, wording: status != 0,
		}})
		if status == 0 {
			all[len(all)-1].after = workflow + "/history?noPayloadShorthand"
			start := all[len(all)-1].body
			all = append(all, routed{about + ", in the history", http.MethodGet, historyRoute, example{prepare: func(s *fixture) { s.start(start) }}})
		}
	}
	return all
}

// ids returns unusual ids that both servers accept.
func ids() []routed {
	var all []routed
	for about, suffix := range map[string]string{
		"space": " ", "colon": ":x", "percent": "%", "percent and digits": "%2F", "unicode": "ü", "plus": "+", "semicolon": ";a=b",
		"question mark": "?x", "hash": "#x", "star": "*", "dots": "..", "braces": "{x}", "quotes": `"'`, "backslash": `\`, "at": "@", "comma": ",",
	} {
		named := map[string]string{"workflow_id": "${id}" + suffix}
		all = append(all,
			routed{
				about + ", start", http.MethodPost, workflowRoute,
				example{
					path: named, body: `{"workflowType":{"name":"Nobody"},"taskQueue":{"name":"${id}"},"requestId":"${id}"}`,
					after: "/namespaces/default/workflow-count?query=WorkflowId%20STARTS_WITH%20%22${id}%22", settled: `"1"`,
				},
			},
			routed{about + ", absent", http.MethodGet, workflowRoute, example{path: named, status: http.StatusNotFound}},
		)
	}
	return all
}

// routes returns requests without a route.
func routes() []routed {
	lost := func(about, path string) routed {
		return routed{about, http.MethodGet, path, example{status: http.StatusNotFound, wording: true}}
	}
	return []routed{
		lost("no route", "/api/v1/nonsense"),
		lost("too deep", "/api/v1/namespaces/default/workflows/a/b/c/d"),
		lost("another case", "/api/v1/Namespaces/default/workflows"),
	}
}

// large returns requests and responses that exceed the usual buffers.
func large() []routed {
	big := func(s *fixture) {
		unpolled(s)
		for range 4 {
			s.call(http.MethodPost, workflow+"/signal/poke", `{"input":["`+strings.Repeat("<ü>", 20<<10)+`",{"a":[`+strings.Repeat("1,", 9<<10)+`1]}]}`)
		}
	}
	return []routed{
		{"history", http.MethodGet, historyRoute, example{prepare: big}},
		{"history, pretty", http.MethodGet, historyRoute, example{prepare: big, query: "pretty"}},
		{"history, long form", http.MethodGet, historyRoute, example{prepare: big, query: "noPayloadShorthand"}},
		{"history, long form, pretty", http.MethodGet, historyRoute, example{prepare: big, query: "noPayloadShorthand&pretty"}},
		{"signal", http.MethodPost, signalRoute, example{
			prepare: unpolled, path: map[string]string{"signal_name": "poke"}, after: workflow + "/history?noPayloadShorthand",
			body: `{` + me + `"input":["` + strings.Repeat("x", 1<<20) + `"]}`,
		}},
		{"signal over the server's limit", http.MethodPost, signalRoute, example{
			prepare: unpolled, path: map[string]string{"signal_name": "poke"}, status: http.StatusBadRequest,
			body: `{` + me + `"input":["` + strings.Repeat("x", 3<<20) + `"]}`,
		}},
	}
}

// headers returns requests with headers of the protocol.
func headers() []routed {
	timeout := func(value string, status int) routed {
		return routed{
			"Grpc-Timeout " + value, http.MethodGet, "/api/v1/cluster-info",
			example{header: http.Header{"Grpc-Timeout": {value}}, status: status, wording: status != 0},
		}
	}
	waiting := func(value string, status int) routed {
		return routed{
			"waiting with Grpc-Timeout " + value, http.MethodGet, historyRoute,
			example{prepare: unpolled, query: "waitNewEvent=true&historyEventFilterType=2", header: http.Header{"Grpc-Timeout": {value}}, status: status},
		}
	}
	return []routed{
		timeout("10S", 0), timeout("1H", 0), timeout("5000m", 0),
		timeout("1s", http.StatusBadRequest), timeout("S", http.StatusBadRequest), timeout("x", http.StatusBadRequest),
		timeout("1n", http.StatusGatewayTimeout),
		waiting("2S", 0), waiting("900m", 0),
	}
}
