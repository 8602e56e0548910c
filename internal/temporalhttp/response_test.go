package temporalhttp_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

const workflowHistoryPath = "/api/v1/namespaces/default/workflows/w/history"

// respondWith makes the upstream return a message in wire form for a method.
func respondWith(g *servertest.Gateway, method string, wire []byte) {
	g.Upstream.Handle(method, func(context.Context, []byte) ([]byte, error) { return wire, nil })
}

func wireOf(t testing.TB, m proto.Message) []byte {
	t.Helper()
	wire, err := proto.Marshal(m)
	require.NoError(t, err)
	return wire
}

// historyOf returns a history with the given number of events, each with an input of
// inputSize bytes.
func historyOf(events, inputSize int) *workflowservice.GetWorkflowExecutionHistoryResponse {
	h := &history.History{}
	for i := range events {
		h.Events = append(h.Events, &history.HistoryEvent{
			EventId: int64(i + 1), Attributes: &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
				WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{
					Input: payloadsOf(`"` + strings.Repeat("a", inputSize) + `"`),
				},
			},
		})
	}
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: h, NextPageToken: []byte("next")}
}

// payloadsOf returns one payload for each JSON value.
func payloadsOf(values ...string) *common.Payloads {
	payloads := &common.Payloads{}
	for _, value := range values {
		payloads.Payloads = append(payloads.Payloads, &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(value)})
	}
	return payloads
}

// A response over 512 KiB is streamed, even if it consists of one value.
func TestLargeResponseIsComplete(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		for _, c := range []struct{ events, inputSize int }{{10, 100}, {5000, 100}, {2, 1 << 20}, {1, 512 << 10}, {600, 1000}} {
			respondWith(g, "GetWorkflowExecutionHistory", wireOf(t, historyOf(c.events, c.inputSize)))
			for _, query := range []string{"", "?noPayloadShorthand", "?pretty", "?pretty&noPayloadShorthand"} {
				resp := g.Do(t, http.MethodGet, workflowHistoryPath+query, "")
				require.Equal(t, http.StatusOK, resp.Status)
				var got struct {
					History struct {
						Events []struct {
							EventID string `json:"eventId"`
						} `json:"events"`
					} `json:"history"`
					NextPageToken string `json:"nextPageToken"`
				}
				require.NoError(t, json.Unmarshal([]byte(resp.Body), &got), "%d events of %d bytes %s", c.events, c.inputSize, query)
				require.Len(t, got.History.Events, c.events)
				require.Equal(t, "bmV4dA==", got.NextPageToken)
				if !strings.Contains(query, "noPayloadShorthand") {
					require.Equal(t, c.events, strings.Count(resp.Body, `"`+strings.Repeat("a", c.inputSize)+`"`))
				}
			}
		}
	})
}

func TestMalformedUpstreamResponseReturns502(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		const getHistory = "GetWorkflowExecutionHistory"
		invalidName := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{0x0a, 1, 0xff})
		for name, c := range map[string]struct {
			method, path string
			wire         []byte
		}{
			"truncated":       {getHistory, workflowHistoryPath, []byte{0x0a, 0x05, 'a'}},
			"field number 0":  {getHistory, workflowHistoryPath, []byte{0x00}},
			"reserved type":   {getHistory, workflowHistoryPath, []byte{0x0f, 0x01}},
			"lone end group":  {getHistory, workflowHistoryPath, []byte{0x0c}},
			"invalid UTF-8":   {"DescribeNamespace", "/api/v1/namespaces/default", invalidName},
			"nested too deep": {"DescribeActivityExecution", "/api/v1/namespaces/default/activities/a", nestedFailures(2000)},
		} {
			respondWith(g, c.method, c.wire)
			resp := g.Do(t, http.MethodGet, c.path, "")
			s := servertest.RequireRPCError(t, resp, http.StatusBadGateway, codes.Unavailable)
			require.NotContains(t, s.Message, "transcode", name)
		}
	})
}

// nestedFailures returns the wire form of a DescribeActivityExecutionResponse whose
// failure has a chain of causes of the given depth.
func nestedFailures(depth int) []byte {
	const cause = 4 // the field Failure.cause
	var wire []byte
	for range depth {
		wire = protowire.AppendBytes(protowire.AppendTag(nil, cause, protowire.BytesType), wire)
	}
	d := (&workflowservice.DescribeActivityExecutionResponse{}).ProtoReflect().Descriptor()
	outcome := d.Fields().ByName("outcome")
	failure := outcome.Message().Fields().ByName("failure")
	wire = protowire.AppendBytes(protowire.AppendTag(nil, failure.Number(), protowire.BytesType), wire)
	return protowire.AppendBytes(protowire.AppendTag(nil, outcome.Number(), protowire.BytesType), wire)
}

// The gateway detects an error in a streamed response after it has sent the status. It
// aborts the connection, so that the client does not mistake the response for a complete
// one.
func TestErrorInStreamedResponseAbortsTheConnection(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		const tag = 0x0a // of field 1: the history of the response, and the events of the history
		badEvent := wireOf(t, &history.HistoryEvent{EventId: 1})
		badEvent = append(badEvent, 0x0a, 0x05, 1) // a truncated timestamp
		events := bytes.Repeat(protowire.AppendBytes([]byte{tag}, wireOf(t, historyOf(1, 1000).GetHistory().GetEvents()[0])), 2000)
		events = protowire.AppendBytes(append(events, tag), badEvent)
		respondWith(g, "GetWorkflowExecutionHistory", protowire.AppendBytes([]byte{tag}, events))
		for _, query := range []string{"", "?noPayloadShorthand", "?pretty"} {
			resp, err := g.Send(t.Context(), http.MethodGet, workflowHistoryPath+query, "")
			require.Error(t, err)
			require.Equal(t, http.StatusOK, resp.Status)
			require.Greater(t, len(resp.Body), 1<<20, "the valid part was sent")
		}
		g.Client.CloseIdleConnections()
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, "/api/v1/system-info", "").Status, "the gateway continues to serve")
	})
}

// requireError checks the status of a response whose body is a google.rpc.Status.
func requireError(t *testing.T, resp servertest.Response, status int) {
	t.Helper()
	require.Equal(t, status, resp.Status, resp.Body)
	var s servertest.RPCStatus
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &s, json.RejectUnknownMembers(true)), resp.Body)
}

func TestMediaTypesOfTheResponse(t *testing.T) {
	t.Parallel()
	const (
		plain      = `{"queryResult":[{"b":1,"a":[1e400]}]}`
		prettyText = "{\n  \"queryResult\": [\n    {\n      \"b\": 1,\n      \"a\": [\n        1e400\n      ]\n    }\n  ]\n}"
		longText   = `{"queryResult":{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"eyJiIjoxLCJhIjpbMWU0MDBdfQ=="}]}}`
		typePretty = "application/json+pretty"
		typeLong   = "application/json+no-payload-shorthand"
		typeBoth   = "application/json+pretty+no-payload-shorthand"
	)
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		respondWith(g, "QueryWorkflow", wireOf(t, &workflowservice.QueryWorkflowResponse{QueryResult: payloadsOf(`{"b":1,"a":[1e400]}`)}))
		const path = "/namespaces/default/workflows/w/query/q"
		for _, c := range []struct {
			query, accept, contentType string
			want, wantType             string
		}{
			{"", "", "", plain, "application/json"},
			{"", "*/*", "text/plain", plain, "application/json"},
			{"", "application/json", "application/json; charset=utf-8", plain, "application/json"},
			{"?pretty", "", "", prettyText, typePretty},
			{"?pretty=false", "", "", prettyText, typePretty}, // Temporal checks for the parameter's presence alone
			{"?noPayloadShorthand", "", "", longText, typeLong},
			{"?noPayloadShorthand=x&pretty", "", "", "", typeBoth},
			{"", typePretty, "", prettyText, typePretty},
			{"", typeLong, "", longText, typeLong},
			{"", typeBoth, "", "", typeBoth},
			{"", "", typeLong, longText, typeLong},
			{"", "application/json", typeLong, longText, typeLong},
			{"", "", typePretty, prettyText, typePretty},
			{"?pretty", typeLong, "", prettyText, typePretty}, // the query overrides the header
			{"", typePretty, typeLong, prettyText, typePretty},
		} {
			resp := g.Do(t, http.MethodPost, path+c.query, `{}`, "Accept", c.accept, "Content-Type", c.contentType)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.Equal(t, c.wantType, resp.Header.Get("Content-Type"), "%v", c)
			if c.want != "" {
				require.Equal(t, c.want, resp.Body, "%v", c)
				continue
			}
			require.Contains(t, resp.Body, "\n    \"payloads\": [\n      {\n        \"metadata\"", "the response is indented and in the long form")
		}
	})
}

// Content-Type selects the form of the request body, whatever the form of the response is.
func TestMediaTypesOfTheBody(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		const path = "/namespaces/default/workflows/w/signal/s"
		const longBody = `{"input":{"payloads":[{"metadata":{"encoding":"YQ=="},"data":"MQ=="}]}}`
		for _, c := range []struct{ query, contentType, body, encoding, data string }{
			{"", "application/json", `{"input":[ {"b": 1.10, "a":[]} ]}`, "json/plain", `{"b": 1.10, "a":[]}`},
			{"?noPayloadShorthand", "application/json", `{"input":[12345678901234567890]}`, "json/plain", `12345678901234567890`},
			{"", "application/json", `{"input":[null]}`, "binary/null", ""},
			{"", "application/json", longBody, "a", "1"},
			{"", "application/json+no-payload-shorthand", longBody, "a", "1"},
			{"", "application/json+pretty", `{"input":["x"]}`, "json/plain", `"x"`},
		} {
			resp := g.Do(t, http.MethodPost, path+c.query, c.body, "Content-Type", c.contentType)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			calls := g.Upstream.Calls("SignalWorkflowExecution")
			request := &workflowservice.SignalWorkflowExecutionRequest{}
			require.NoError(t, proto.Unmarshal(calls[len(calls)-1].Request, request))
			got := request.GetInput().GetPayloads()
			require.Len(t, got, 1)
			require.Equal(t, c.encoding, string(got[0].GetMetadata()["encoding"]))
			require.Equal(t, c.data, string(got[0].GetData()))
		}
		resp := g.Do(t, http.MethodPost, path, `{"input":["x"]}`, "Content-Type", "application/json+no-payload-shorthand")
		require.Equal(t, http.StatusBadRequest, resp.Status, "this media type does not accept the shorthand")
		resp = g.Do(t, http.MethodPost, path+"?pretty", `{"x":1}`)
		requireError(t, resp, http.StatusBadRequest)
		require.Equal(t, "application/json+pretty", resp.Header.Get("Content-Type"))
		require.True(t, strings.HasPrefix(resp.Body, "{\n  \"code\": 3,\n"), resp.Body)
	})
}

// With full indentation, a few kilobytes of deeply nested JSON would become hundreds of
// megabytes.
func TestIndentationOfAResponseIsBounded(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		const deep = 4_900
		value := strings.Repeat("[", deep) + strings.Repeat("]", deep)
		memo := &common.Memo{Fields: map[string]*common.Payload{"deep": payloadsOf(value).GetPayloads()[0]}}
		respondWith(g, "DescribeWorkflowExecution", wireOf(t, &workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Memo: memo},
		}))
		compact := g.Do(t, http.MethodGet, describePath, "")
		require.Contains(t, compact.Body, value)
		resp := g.Do(t, http.MethodGet, describePath+"?pretty", "")
		require.Equal(t, http.StatusOK, resp.Status)
		require.Less(t, len(resp.Body), 2<<20)
		require.Equal(t, 2*deep, strings.Count(resp.Body, "[")+strings.Count(resp.Body, "]"))
	})
}
