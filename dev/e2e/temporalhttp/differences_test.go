package temporalhttp_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// difference is a request to which the gateway intentionally responds differently than Temporal.
// docs/temporal-http-api.md contains each difference by its name.
type difference struct {
	// name describes the behaviour of the gateway. reason explains why it differs from that of Temporal.
	name, reason string
	routed       routedExample
	// temporal and gateway check the two responses. If the check of Temporal fails, the difference may be obsolete.
	temporal, gateway func(s *fixture, a apiResponse)
}

// differences returns all intentional differences. All other responses must be equal, except for the messages of errors
// in examples with differentWording.
func differences() []difference {
	return []difference{
		{
			name:   "values are stored byte for byte",
			reason: "Temporal's HTTP API parses and rewrites each value: large integers are rounded, keys sorted, empty lists become null.",
			routed: startWith(exactValues),
			temporal: storesArguments(`12345678901234567000`, `{"a":null,"p":1.1,"z":1}`, `null`, `"\u003c\u0026\u003e"`,
				`100000000000000000000`),
			gateway: storesArguments(exactValues...),
		},
		{
			name:     "values are returned byte for byte",
			reason:   "Temporal also rewrites values in responses, even if the stored bytes are correct.",
			routed:   routedExample{verb: http.MethodGet, path: historyRoute, example: example{prepare: startedWithPayload("json/plain", exactValues[1])}},
			temporal: hasStatusAndText(http.StatusOK, `{"a":null,"p":1.1,"z":1}`),
			gateway:  hasStatusAndText(http.StatusOK, exactValues[1]),
		},
		{
			name:     "data that is marked as JSON and is not valid is returned in the long form",
			reason:   "With one such value, Temporal fails the whole response.",
			routed:   routedExample{verb: http.MethodGet, path: historyRoute, example: example{prepare: startedWithPayload("json/plain", `{not JSON`)}},
			temporal: hasStatusAndText(http.StatusInternalServerError, ``),
			gateway:  hasStatusAndText(http.StatusOK, `"data":"e25vdCBKU09O"`),
		},
		{
			name:     "the content type is application/json",
			reason:   "Temporal returns *, which is not a content type.",
			routed:   get("", "/api/v1/cluster-info", ""),
			temporal: hasHeader("Content-Type", "*"),
			gateway:  hasHeader("Content-Type", "application/json"),
		},
		{
			name:   "ids with a slash reach the RPC",
			reason: "Temporal treats an encoded slash as a segment separator and finds no route.",
			routed: routedExample{verb: http.MethodPost, path: workflowRoute, example: example{
				path: map[string]string{"workflow_id": "${id}/x"}, body: startBody,
			}},
			temporal: hasStatusAndText(http.StatusNotFound, `"code":5`),
			gateway: func(s *fixture, a apiResponse) {
				hasStatusAndText(http.StatusOK, `"started":true`)(s, a)
				s.call(http.MethodGet, "/namespaces/default/workflows?query=WorkflowId%3D%22${id}%2Fx%22", "")
			},
		},
		{
			name:     "a method that the path does not support is 405",
			reason:   "Temporal returns 501, which suggests a future feature, and does not list the supported methods.",
			routed:   routedExample{verb: http.MethodDelete, path: "/api/v1/namespaces/{namespace}/workflows"},
			temporal: hasStatusAndText(http.StatusNotImplemented, `"code":12`),
			gateway: func(s *fixture, a apiResponse) {
				require.Equal(s, http.StatusMethodNotAllowed, a.status, a.body)
				require.Contains(s, a.header.Get("Allow"), http.MethodGet)
			},
		},
		{
			name:   "a body over 4 MiB is 413",
			reason: "Temporal returns 400.",
			routed: routedExample{verb: http.MethodPost, path: workflowRoute, example: example{
				body: `{"identity":"` + strings.Repeat("x", 5<<20) + `"}`,
			}},
			temporal: hasStatusAndText(http.StatusBadRequest, `"code":3`),
			gateway:  hasStatusAndText(http.StatusRequestEntityTooLarge, `"code"`),
		},
		{
			name:   "the caller's metadata is dropped unless it is allowed",
			reason: "Through Temporal's HTTP API, any caller can set any header that the server trusts.",
			routed: routedExample{verb: http.MethodGet, path: "/api/v1/cluster-info", example: example{header: http.Header{
				"Grpc-Metadata-Client-Name": {"temporal-go"}, "Grpc-Metadata-Client-Version": {"no version"},
			}}},
			temporal: hasStatusAndText(http.StatusBadRequest, `"code":3`),
			gateway:  hasStatusAndText(http.StatusOK, `"serverVersion"`),
		},
		{
			name:   "the client's name and version are the gateway's",
			reason: "The server's behaviour depends on the client. Here the client is the gateway.",
			routed: routedExample{verb: http.MethodGet, path: "/api/v1/cluster-info", example: example{header: http.Header{
				"Client-Name": {"temporal-go"}, "Client-Version": {"no version"},
			}}},
			temporal: hasStatusAndText(http.StatusBadRequest, `"code":3`),
			gateway:  hasStatusAndText(http.StatusOK, `"serverVersion"`),
		},
		{
			name:   "a namespace in the body that differs from the path's is 400",
			reason: "Temporal silently uses the path's. Two different namespaces are a mistake of the caller.",
			routed: routedExample{verb: http.MethodPost, path: workflowRoute, example: example{
				body: `{"namespace":"other",` + startBody[1:],
			}},
			temporal: hasStatusAndText(http.StatusOK, `"started":true`),
			gateway:  hasStatusAndText(http.StatusBadRequest, `"code":3`),
		},
		{
			name:   "the identity of a call is the key's id",
			reason: "Callers of Temporal's HTTP API can claim any identity.",
			routed: routedExample{verb: http.MethodPost, path: workflowRoute, example: example{
				body: `{"identity":"somebody",` + startBody[1:],
			}},
			temporal: storesText(workflow+"/history", `"identity":"somebody"`),
			gateway:  storesText(workflow+"/history", `"identity":"all"`),
		},
		{
			name:     "the text of internal server errors is the gateway's",
			reason:   "The server's text can contain internals that callers must not see. It is in the gateway's log.",
			routed:   get("", "/api/v1/namespaces/{namespace}/workflows", "nextPageToken=AAAA"),
			temporal: hasStatusAndText(http.StatusInternalServerError, `something went wrong`),
			gateway:  hasStatusAndText(http.StatusInternalServerError, `"code":2`),
		},
		{
			name:   "an invalid gRPC timeout is 400",
			reason: "Temporal fails the call with 504, as if the deadline had passed.",
			routed: routedExample{verb: http.MethodGet, path: "/api/v1/cluster-info", example: example{
				header: http.Header{"Grpc-Timeout": {"-1S"}},
			}},
			temporal: hasStatusAndText(http.StatusGatewayTimeout, `"code":4`),
			gateway:  hasStatusAndText(http.StatusBadRequest, `"code":3`),
		},
		{
			name:   "a nested namespace in the body that differs from the path's is 400",
			reason: "The key's grants apply to every namespace in the request.",
			routed: routedExample{verb: http.MethodPost, path: workflowRoute, example: example{
				body: `{"links":[{"workflowEvent":{"namespace":"other","workflowId":"w","runId":"r",
					"eventRef":{"eventId":"5","eventType":"EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED"}}}],` + startBody[1:],
			}},
			temporal: hasStatusAndText(http.StatusOK, `"started":true`),
			gateway:  hasStatusAndText(http.StatusBadRequest, `"code":3`),
		},
		{
			name:   "a completion callback is 403",
			reason: "With a callback, the server calls an address that the caller chooses. A key can permit it.",
			routed: routedExample{verb: http.MethodPost, path: workflowRoute, example: example{
				body: `{"completionCallbacks":[{"nexus":{"url":"temporal://system"}}],` + startBody[1:],
			}},
			temporal: hasStatusAndText(http.StatusOK, `"started":true`),
			gateway:  hasStatusAndText(http.StatusForbidden, `"code":7`),
		},
		{
			name:   "a compressed body is 415",
			reason: "Temporal parses it as if it were not compressed.",
			routed: routedExample{verb: http.MethodPost, path: workflowRoute, example: example{
				header: http.Header{"Content-Encoding": {"gzip"}}, body: startBody,
			}},
			temporal: hasStatusAndText(http.StatusOK, `"started":true`),
			gateway:  hasStatusAndText(http.StatusUnsupportedMediaType, `"code":3`),
		},
		{
			name:     "HEAD is treated as GET",
			reason:   "As HTTP specifies. Temporal returns 501.",
			routed:   routedExample{verb: http.MethodHead, path: "/api/v1/cluster-info"},
			temporal: hasStatusAndText(http.StatusNotImplemented, ``),
			gateway:  hasStatusAndText(http.StatusOK, ``),
		},
		{
			name:     "OPTIONS is 405",
			reason:   "As for any unsupported method, unless CORS is configured.",
			routed:   routedExample{verb: http.MethodOptions, path: "/api/v1/cluster-info"},
			temporal: hasStatusAndText(http.StatusNotImplemented, ``),
			gateway:  hasStatusAndText(http.StatusMethodNotAllowed, ``),
		},
		{
			name:     "an empty segment is not an id",
			reason:   "Temporal calls the RPC with an empty id, which the RPC rejects.",
			routed:   get("", "/api/v1/namespaces/default/workflows/", ""),
			temporal: hasStatusAndText(http.StatusBadRequest, `WorkflowId is not set`),
			gateway:  hasStatusAndText(http.StatusNotFound, `"code":5`),
		},
		{
			name:     "no credential is 401",
			reason:   "The gateway authenticates every request first.",
			routed:   routedExample{verb: http.MethodGet, path: "/api/v1/cluster-info", example: example{header: http.Header{"Authorization": {"none"}}}},
			temporal: hasStatusAndText(http.StatusOK, ``),
			gateway:  hasStatusAndText(http.StatusUnauthorized, `"code":16`),
		},
		{
			name:   "an invalid credential is 401",
			reason: "Temporal's authorizer returns 403. (This server has none, and permits everything.)",
			routed: routedExample{verb: http.MethodGet, path: "/api/v1/cluster-info", example: example{header: http.Header{
				"Authorization": {"Bearer fg_all_11111111111111111111111111111111"},
			}}},
			temporal: hasStatusAndText(http.StatusOK, ``),
			gateway:  hasStatusAndText(http.StatusUnauthorized, `"code":16`),
		},
		{
			name:   "an insufficient credential is 403",
			reason: "The gateway enforces the grants of its keys.",
			routed: routedExample{verb: http.MethodGet, path: "/api/v1/cluster-info", example: example{header: http.Header{
				"Authorization": {"Bearer fg_dev_00000000000000000000000000000000"},
			}}},
			temporal: hasStatusAndText(http.StatusOK, ``),
			gateway:  hasStatusAndText(http.StatusForbidden, `"code":7`),
		},
	}
}

// exactValues are JSON values that change if a program decodes them into Go values and encodes them again.
//
//nolint:gochecknoglobals // an immutable table
var exactValues = []string{`12345678901234567890`, `{"z":1,"p":1.10,"a":[]}`, `[]`, `"<&>"`, `1e20`}

const startBody = `{"workflowType":{"name":"Unpolled"},"taskQueue":{"name":"${id}"}}`

func TestDocumentedDifferences(t *testing.T) {
	t.Parallel()
	for _, d := range differences() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			b := binding{verb: d.routed.verb, template: d.routed.path}
			one := d.routed.fixture(t, b)
			d.temporal(one, shared.direct.send(t, d.routed.request(one)))
			if *compareWithItself {
				return
			}
			other := d.routed.fixture(t, b)
			d.gateway(other, shared.gateway.send(t, d.routed.request(other)))
			shared.coverage.compared(binding{})
		})
	}
}

// hasStatusAndText requires a status and a text in the body.
func hasStatusAndText(status int, text string) func(*fixture, apiResponse) {
	return func(s *fixture, a apiResponse) {
		require.Equal(s, status, a.status, a.body)
		require.Contains(s, a.body, text)
	}
}

// storesText requires the status 200, and that a GET of path from Temporal then returns the text.
func storesText(path, text string) func(*fixture, apiResponse) {
	return func(s *fixture, a apiResponse) {
		require.Equal(s, http.StatusOK, a.status, a.body)
		require.Contains(s, s.get(path).body, text)
	}
}

func hasHeader(name, value string) func(*fixture, apiResponse) {
	return func(s *fixture, a apiResponse) {
		require.Equal(s, http.StatusOK, a.status, a.body)
		require.Equal(s, value, a.header.Get(name))
	}
}

// startWith returns the request that starts a workflow with the values as arguments.
func startWith(values []string) routedExample {
	body := `{"input":[` + strings.Join(values, ",") + `],` + startBody[1:]
	return routedExample{verb: http.MethodPost, path: workflowRoute, example: example{body: body}}
}

// storesArguments requires that the server has stored the values as the arguments of the workflow.
func storesArguments(values ...string) func(*fixture, apiResponse) {
	return func(s *fixture, a apiResponse) {
		require.Equal(s, http.StatusOK, a.status, a.body)
		var history struct {
			History struct {
				Events []struct {
					Attributes struct {
						Input struct {
							Payloads []struct {
								Data []byte `json:"data"`
							} `json:"payloads"`
						} `json:"input"`
					} `json:"workflowExecutionStartedEventAttributes"`
				} `json:"events"`
			} `json:"history"`
		}
		body := s.get(workflow + "/history?noPayloadShorthand").body
		require.NoError(s, json.Unmarshal([]byte(body), &history), body)
		require.NotEmpty(s, history.History.Events, body)
		var got []string
		for _, payload := range history.History.Events[0].Attributes.Input.Payloads {
			got = append(got, string(payload.Data))
		}
		require.Equal(s, values, got)
	}
}

// startedWithPayload prepares a workflow with one argument, a payload with the encoding and the data.
func startedWithPayload(encoding, data string) func(*fixture) {
	return func(s *fixture) {
		long, err := json.Marshal(map[string]any{
			"metadata": map[string][]byte{"encoding": []byte(encoding)}, "data": []byte(data),
		})
		require.NoError(s, err)
		s.call(http.MethodPost, workflow+"?noPayloadShorthand",
			`{"input":{"payloads":[`+string(long)+`]},`+startBody[1:])
	}
}

// TestEveryDifferenceIsDocumented finds the name of each difference in docs/temporal-http-api.md. It prints missing
// differences in the format of the document.
func TestEveryDifferenceIsDocumented(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../../docs/temporal-http-api.md")
	require.NoError(t, err)
	text := strings.ToLower(strings.Join(strings.Fields(string(document)), " "))
	var missing []string
	for _, d := range differences() {
		if !strings.Contains(text, strings.ToLower(d.name)) {
			missing = append(missing, "- **"+d.name+".** "+d.reason)
		}
	}
	require.Empty(t, missing, "docs/temporal-http-api.md lacks:\n%s", strings.Join(missing, "\n"))
}
