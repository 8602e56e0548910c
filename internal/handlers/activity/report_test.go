package activity_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const activitiesPath = "/v1/namespaces/default/activities"

// namespaceID is the id of the namespace "default" at the upstream.
const namespaceID = "0198f3c2-0000-7c3a-9d52-3f1f7a2b6c01"

// tokenOf returns a task token of a namespace. The bytes of its base64 form include + and /,
// which base64url replaces.
func tokenOf(namespaceID string) []byte {
	token := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), namespaceID)
	return protowire.AppendString(protowire.AppendTag(token, 2, protowire.BytesType), "order-\u07ef\u07ff\uffee")
}

func std(token []byte) string { return base64.StdEncoding.EncodeToString(token) }

// handleReports makes the upstream respond to the reports of a worker.
func handleReports(g *servertest.Gateway) {
	for method, response := range map[string]proto.Message{
		"DescribeNamespace":                &workflowservice.DescribeNamespaceResponse{NamespaceInfo: &namespace.NamespaceInfo{Name: "default", Id: namespaceID}},
		"RecordActivityTaskHeartbeat":      &workflowservice.RecordActivityTaskHeartbeatResponse{CancelRequested: true},
		"RecordActivityTaskHeartbeatById":  &workflowservice.RecordActivityTaskHeartbeatByIdResponse{ActivityPaused: true, ActivityReset: true},
		"RespondActivityTaskCompleted":     &workflowservice.RespondActivityTaskCompletedResponse{},
		"RespondActivityTaskCompletedById": &workflowservice.RespondActivityTaskCompletedByIdResponse{},
		"RespondActivityTaskFailed":        &workflowservice.RespondActivityTaskFailedResponse{},
		"RespondActivityTaskFailedById":    &workflowservice.RespondActivityTaskFailedByIdResponse{},
		"RespondActivityTaskCanceled":      &workflowservice.RespondActivityTaskCanceledResponse{},
		"RespondActivityTaskCanceledById":  &workflowservice.RespondActivityTaskCanceledByIdResponse{},
	} {
		g.Upstream.Handle(method, upstreamtest.Respond(response))
	}
}

// withReports runs a test in a synctest bubble against a gateway whose upstream accepts reports.
func withReports(t *testing.T, configure func(*config.Config), test func(*testing.T, *servertest.Gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: configure})
		synctest.Wait()
		handleReports(g)
		test(t, g)
	})
}

// reports returns the body of each report without the members that identify the activity, by
// the custom method in its path.
func reports() map[string]string {
	return map[string]string{
		":heartbeat": ``, ":complete": `"result":1`, ":fail": `"failure":{"message":"m"}`, ":reportCancellation": ``,
	}
}

// reportBody returns the body of a report about the activity that members identify.
func reportBody(members, rest string) string {
	if rest != "" {
		members += ","
	}
	return "{" + members + rest + "}"
}

const json = `"metadata":{"encoding":"anNvbi9wbGFpbg=="}`

func TestReportsReachTheServerUnchanged(t *testing.T) {
	t.Parallel()
	token := std(tokenOf(namespaceID))
	const null = `{"metadata":{"encoding":"YmluYXJ5L251bGw="}}`
	for _, test := range []struct{ path, members, method, want string }{
		{":heartbeat", ``, "RecordActivityTaskHeartbeat", ``},
		{":heartbeat", `"details":[1.10,null]`, "RecordActivityTaskHeartbeat", `"details":{"payloads":[{` + json + `,"data":"MS4xMA=="},` + null + `]}`},
		{
			":heartbeat", `"detailPayloads":[{"metadata":{"encoding":"YQ=="},"data":"YQ=="}]`, "RecordActivityTaskHeartbeat",
			`"details":{"payloads":[{"metadata":{"encoding":"YQ=="},"data":"YQ=="}]}`,
		},
		{":complete", ``, "RespondActivityTaskCompleted", ``},
		{":complete", `"result":null`, "RespondActivityTaskCompleted", `"result":{"payloads":[` + null + `]}`},
		{":complete", `"result":1e400`, "RespondActivityTaskCompleted", `"result":{"payloads":[{` + json + `,"data":"MWU0MDA="}]}`},
		{":complete", `"result":[]`, "RespondActivityTaskCompleted", `"result":{"payloads":[{` + json + `,"data":"W10="}]}`},
		{":complete", `"resultPayload":{"json":null}`, "RespondActivityTaskCompleted", `"result":{"payloads":[` + null + `]}`},
		{
			":complete", `"resultPayload":{"metadata":{"encoding":"YQ=="},"data":"YQ=="}`, "RespondActivityTaskCompleted",
			`"result":{"payloads":[{"metadata":{"encoding":"YQ=="},"data":"YQ=="}]}`,
		},
		{":fail", `"failure":{"message":"m"}`, "RespondActivityTaskFailed", `"failure":{"message":"m","applicationFailureInfo":{}}`},
		{
			":fail", `"failure":{"message":"m","type":"T","nonRetryable":true,"details":[1.10],"nextRetryDelay":"90s","category":"BENIGN","stackTrace":"s",
			"cause":{"message":"c","detailPayloads":[{"metadata":{"encoding":"YQ=="},"data":"YQ=="}]}},"lastHeartbeatDetails":["p"]`, "RespondActivityTaskFailed",
			`"failure":{"message":"m","stackTrace":"s","applicationFailureInfo":{"type":"T","nonRetryable":true,"details":{"payloads":[{` + json + `,"data":"MS4xMA=="}]},
			"nextRetryDelay":"90s","category":"APPLICATION_ERROR_CATEGORY_BENIGN"},
			"cause":{"message":"c","applicationFailureInfo":{"details":{"payloads":[{"metadata":{"encoding":"YQ=="},"data":"YQ=="}]}}}},
			"lastHeartbeatDetails":{"payloads":[{` + json + `,"data":"InAi"}]}`,
		},
		{
			":fail", `"failure":{"message":"Encoded failure","encodedAttributes":{"metadata":{"encoding":"YQ=="},"data":"YQ=="}}`, "RespondActivityTaskFailed",
			`"failure":{"message":"Encoded failure","encodedAttributes":{"metadata":{"encoding":"YQ=="},"data":"YQ=="},"applicationFailureInfo":{}}`,
		},
		{
			":fail", `"failure":{"message":"m","encodedAttributes":{"json":{"message":"x"}}}`, "RespondActivityTaskFailed",
			`"failure":{"message":"m","encodedAttributes":{` + json + `,"data":"eyJtZXNzYWdlIjoieCJ9"},"applicationFailureInfo":{}}`,
		},
		{":reportCancellation", `"details":["why"]`, "RespondActivityTaskCanceled", `"details":{"payloads":[{` + json + `,"data":"IndoeSI="}]}`},
	} {
		withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
			t.Helper()
			resp := g.Do(t, http.MethodPost, activitiesPath+test.path, reportBody(`"taskToken":"`+token+`"`, test.members))
			require.Less(t, resp.Status, 300, resp.Body)
			requireReport(t, g, test.method, reportBody(`"namespace":"default","identity":"writer","taskToken":"`+token+`"`, test.want))
			ids := `"workflowId":"w/1","runId":"` + temporalfake.RunID + `","activityId":"a b"`
			resp = g.Do(t, http.MethodPost, activitiesPath+test.path, reportBody(ids, test.members))
			require.Less(t, resp.Status, 300, resp.Body)
			requireReport(t, g, test.method+"ById", reportBody(`"namespace":"default","identity":"writer",`+ids, test.want))
		})
	}
}

// requireReport requires that a method was called once, with a request that equals want.
func requireReport(t *testing.T, g *servertest.Gateway, method, want string) {
	t.Helper()
	calls := g.Upstream.Calls(method)
	require.Len(t, calls, 1, method)
	request := map[string]proto.Message{
		"RecordActivityTaskHeartbeat":      &workflowservice.RecordActivityTaskHeartbeatRequest{},
		"RecordActivityTaskHeartbeatById":  &workflowservice.RecordActivityTaskHeartbeatByIdRequest{},
		"RespondActivityTaskCompleted":     &workflowservice.RespondActivityTaskCompletedRequest{},
		"RespondActivityTaskCompletedById": &workflowservice.RespondActivityTaskCompletedByIdRequest{},
		"RespondActivityTaskFailed":        &workflowservice.RespondActivityTaskFailedRequest{},
		"RespondActivityTaskFailedById":    &workflowservice.RespondActivityTaskFailedByIdRequest{},
		"RespondActivityTaskCanceled":      &workflowservice.RespondActivityTaskCanceledRequest{},
		"RespondActivityTaskCanceledById":  &workflowservice.RespondActivityTaskCanceledByIdRequest{},
	}[method]
	require.NoError(t, proto.Unmarshal(calls[0].Request, request))
	handlerstest.RequireMessage(t, want, request)
}

func TestAHeartbeatReturnsTheStateOfTheActivity(t *testing.T) {
	t.Parallel()
	withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
		t.Helper()
		resp := g.Do(t, http.MethodPost, activitiesPath+":heartbeat", `{"taskToken":"`+std(tokenOf(namespaceID))+`"}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"cancelRequested":true,"activityPaused":false,"activityReset":false}`, resp.Body)
		resp = g.Do(t, http.MethodPost, activitiesPath+":heartbeat", `{"activityId":"a"}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"cancelRequested":false,"activityPaused":true,"activityReset":true}`, resp.Body)
	})
}

func TestATaskTokenIsAcceptedInEveryBase64(t *testing.T) {
	t.Parallel()
	token := tokenOf(namespaceID)
	require.Contains(t, std(token), "+")
	require.Contains(t, std(token), "/")
	require.Contains(t, std(token), "=")
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
			t.Helper()
			resp := g.Do(t, http.MethodPost, activitiesPath+":complete", `{"taskToken":"`+encoding.EncodeToString(token)+`"}`)
			require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
			request := handlerstest.OnlyRequest[*workflowservice.RespondActivityTaskCompletedRequest](t, g, "RespondActivityTaskCompleted")
			require.Equal(t, token, request.GetTaskToken())
		})
	}
}

// None of these requests reaches the server.
func TestInvalidReportsAreRejected(t *testing.T) {
	t.Parallel()
	token, run := `"taskToken":"`+std(tokenOf(namespaceID))+`"`, `"runId":"`+temporalfake.RunID+`"`
	deep := strings.Repeat(`{"message":"m","cause":`, 20) + `{"message":"m"}` + strings.Repeat("}", 20)
	withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
		t.Helper()
		invalid := func(path, body string, pointers ...string) {
			resp := g.Do(t, http.MethodPost, activitiesPath+path, body)
			require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{resp.Status, resp.Field(t, "code")}, "%s: %s", body, resp.Body)
			for _, pointer := range pointers {
				require.Contains(t, resp.Body, `"pointer":"`+pointer+`"`, body)
			}
		}
		for path, rest := range reports() {
			for members, pointers := range map[string][]string{
				`"runId":"` + temporalfake.RunID + `"`:             {"/activityId"},
				`"workflowId":"w"`:                                 {"/activityId"},
				token + `,"activityId":"a"`:                        {"/activityId"},
				token + `,"workflowId":"w",` + run:                 {"/workflowId", "/runId"},
				`"taskToken":"no token"`:                           {"/taskToken"},
				`"taskToken":"dG9rZW4="`:                           {"/taskToken"},
				`"taskToken":"` + std(tokenOf("")) + `"`:           {"/taskToken"},
				`"activityId":"a","runId":"r"`:                     {"/runId"},
				`"activityId":"` + strings.Repeat("a", 1001) + `"`: {"/activityId"},
				`"activityId":"a","workflowId":"` + `\u0000` + `"`: {"/workflowId"},
			} {
				invalid(path, reportBody(members, rest), pointers...)
			}
		}
		invalid(":heartbeat", `{`+token+`,"details":[1],"detailPayloads":[{}]}`, "/detailPayloads", "/detailPayloads/0")
		invalid(":complete", `{`+token+`,"result":null,"resultPayload":{}}`, "/resultPayload")
		invalid(":complete", `{`+token+`,"resultPayload":{"json":1,"data":"YQ=="}}`, "/resultPayload")
		invalid(":fail", `{`+token+`}`, "/failure/message")
		invalid(":fail", `{`+token+`,"failure":{"message":"m","cause":{"type":"T"}}}`, "/failure/cause/message")
		invalid(":fail", `{`+token+`,"failure":{"message":"m","nextRetryDelay":"soon","details":[1],"detailPayloads":[{"json":1}],"cause":{"message":"c","nextRetryDelay":"-1s"}}}`,
			"/failure/nextRetryDelay", "/failure/detailPayloads", "/failure/cause/nextRetryDelay")
		invalid(":fail", `{`+token+`,"failure":{"message":"m","encodedAttributes":{}},"lastHeartbeatDetails":[1],"lastHeartbeatDetailPayloads":[{"json":1}]}`,
			"/failure/encodedAttributes", "/lastHeartbeatDetailPayloads")
		invalid(":fail", `{`+token+`,"failure":{"message":"m","category":"URGENT"}}`, "/failure/category")
		invalid(":fail", `{`+token+`,"failure":`+deep+`}`, "/failure"+strings.Repeat("/cause", 20))
		require.Zero(t, g.UpstreamCalls())
		accepted := strings.Replace(strings.Replace(deep, `{"message":"m","cause":`, "", 1), "}}", "}", 1)
		require.Equal(t, http.StatusNoContent, g.Do(t, http.MethodPost, activitiesPath+":fail", `{`+token+`,"failure":`+accepted+`}`).Status)
	})
}

func TestAReportWithATokenOfAnotherNamespaceIsNotSent(t *testing.T) {
	t.Parallel()
	withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
		t.Helper()
		foreign := `"taskToken":"` + std(tokenOf("0198f3c2-ffff-7c3a-9d52-3f1f7a2b6c01")) + `"`
		for path, rest := range reports() {
			resp := g.Do(t, http.MethodPost, activitiesPath+path, reportBody(foreign, rest))
			require.Equal(t, []any{http.StatusBadRequest, "namespace-mismatch"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
		}
		require.Equal(t, len(g.Upstream.Calls("DescribeNamespace")), g.UpstreamCalls(), "no report is sent")
		require.Len(t, g.Upstream.Calls("DescribeNamespace"), 1)
	})
}

func TestFailedReportsHaveACode(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]struct {
		status int
		code   string
	}{
		"invalid activityID or activity already timed out or invoking workflow is completed": {http.StatusNotFound, "activity-not-found"},
		"activity task not found":              {http.StatusNotFound, "activity-not-found"},
		"workflow not found for ID: w":         {http.StatusNotFound, "workflow-not-found"},
		"workflow execution already completed": {http.StatusConflict, "workflow-completed"},
	} {
		withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
			t.Helper()
			for path, rest := range reports() {
				for _, method := range []string{
					"RecordActivityTaskHeartbeat", "RespondActivityTaskCompleted", "RespondActivityTaskFailed", "RespondActivityTaskCanceled",
				} {
					g.Upstream.Handle(method, upstreamtest.Fail(codes.NotFound, message))
					g.Upstream.Handle(method+"ById", upstreamtest.Fail(codes.NotFound, message))
				}
				for _, members := range []string{`"taskToken":"` + std(tokenOf(namespaceID)) + `"`, `"workflowId":"w","activityId":"a"`} {
					resp := g.Do(t, http.MethodPost, activitiesPath+path, reportBody(members, rest))
					require.Equal(t, []any{want.status, want.code}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
					require.Equal(t, strings.Contains(members, "workflowId"), strings.Contains(resp.Body, `"workflowId":"w"`), resp.Body)
				}
			}
		})
	}
}

// A report is not idempotent at the server, so it is never retried.
func TestAReportIsSentOnce(t *testing.T) {
	t.Parallel()
	withReports(t, nil, func(t *testing.T, g *servertest.Gateway) {
		t.Helper()
		g.Upstream.Handle("RespondActivityTaskCompletedById", upstreamtest.Fail(codes.Unavailable, "down"))
		resp := g.Do(t, http.MethodPost, activitiesPath+":complete", `{"activityId":"a"}`)
		require.Equal(t, []any{http.StatusGatewayTimeout, "upstream-unavailable"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
		require.Len(t, g.Upstream.Calls("RespondActivityTaskCompletedById"), 1)
	})
}
