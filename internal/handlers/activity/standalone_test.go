package activity_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const startBody = `{"activityType":"charge","activityId":"a/1","taskQueue":"orders","startToCloseTimeout":"30s"}`

// fakeActivity is an activity without a workflow at the upstream.
type fakeActivity struct {
	mu      sync.Mutex
	status  enums.ActivityExecutionStatus
	outcome *activity.ActivityExecutionOutcome
	closed  chan struct{}
}

// newFakeActivity makes the upstream respond to the RPCs about a running activity.
func newFakeActivity(g *servertest.Gateway) *fakeActivity {
	f := &fakeActivity{status: enums.ACTIVITY_EXECUTION_STATUS_RUNNING, closed: make(chan struct{})}
	g.Upstream.Handle("DescribeActivityExecution", upstreamtest.Typed(func(
		context.Context, *workflowservice.DescribeActivityExecutionRequest,
	) (*workflowservice.DescribeActivityExecutionResponse, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return &workflowservice.DescribeActivityExecutionResponse{
			RunId: temporalfake.RunID, Outcome: f.outcome,
			Info: &activity.ActivityExecutionInfo{
				ActivityId: "a/1", RunId: temporalfake.RunID, ActivityType: &common.ActivityType{Name: "charge"}, TaskQueue: "orders", Status: f.status,
			},
		}, nil
	}))
	// Like the server, the poll ends without an outcome a second before its deadline, and after 20 s.
	g.Upstream.Handle("PollActivityExecution", upstreamtest.Typed(func(
		ctx context.Context, _ *workflowservice.PollActivityExecutionRequest,
	) (*workflowservice.PollActivityExecutionResponse, error) {
		select {
		case <-f.closed:
			f.mu.Lock()
			defer f.mu.Unlock()
			return &workflowservice.PollActivityExecutionResponse{RunId: temporalfake.RunID, Outcome: f.outcome}, nil
		case <-time.After(20 * time.Second):
			return &workflowservice.PollActivityExecutionResponse{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}))
	for method, response := range map[string]proto.Message{
		"StartActivityExecution":         &workflowservice.StartActivityExecutionResponse{RunId: temporalfake.RunID, Started: true},
		"ListActivityExecutions":         &workflowservice.ListActivityExecutionsResponse{},
		"CountActivityExecutions":        &workflowservice.CountActivityExecutionsResponse{Count: 3},
		"RequestCancelActivityExecution": &workflowservice.RequestCancelActivityExecutionResponse{},
		"TerminateActivityExecution":     &workflowservice.TerminateActivityExecutionResponse{},
	} {
		g.Upstream.Handle(method, upstreamtest.Respond(response))
	}
	return f
}

// end closes the activity.
func (f *fakeActivity) end(status enums.ActivityExecutionStatus, outcome *activity.ActivityExecutionOutcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status, f.outcome = status, outcome
	close(f.closed)
}

func (f *fakeActivity) complete() {
	f.end(enums.ACTIVITY_EXECUTION_STATUS_COMPLETED, &activity.ActivityExecutionOutcome{Value: &activity.ActivityExecutionOutcome_Result{
		Result: &common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte("1.10")}}},
	}})
}

func withActivity(t *testing.T, test func(*testing.T, *servertest.Gateway, *fakeActivity)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		test(t, g, newFakeActivity(g))
	})
}

func TestAStartSendsEveryField(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, _ *fakeActivity) {
		t.Helper()
		resp := g.Do(t, http.MethodPost, activitiesPath, `{"activityType":"charge","activityId":"a/1","taskQueue":"orders","args":[1.10],
			"scheduleToCloseTimeout":"1h","scheduleToStartTimeout":"1m","startToCloseTimeout":"30s","heartbeatTimeout":"5s",
			"idReusePolicy":"REJECT_DUPLICATE","idConflictPolicy":"USE_EXISTING","retryPolicy":{"maximumAttempts":3},
			"searchAttributes":{"CustomerId":{"type":"Keyword","value":"c-1"}},"summary":"Charge","priority":{"priorityKey":2},"startDelay":"2s"}`)
		require.Equal(t, http.StatusCreated, resp.Status, resp.Body)
		require.JSONEq(t, `{"activityId":"a/1","runId":"`+temporalfake.RunID+`","started":true}`, resp.Body)
		require.Equal(t, activitiesPath+"/-?activityId=a%2F1&runId="+temporalfake.RunID, resp.Header.Get("Location"))
		request := handlerstest.OnlyRequest[*workflowservice.StartActivityExecutionRequest](t, g, "StartActivityExecution")
		require.NotEmpty(t, request.GetRequestId())
		request.RequestId = ""
		handlerstest.RequireMessage(t, `{"namespace":"default","identity":"writer","activityId":"a/1","activityType":{"name":"charge"},"taskQueue":{"name":"orders"},
			"scheduleToCloseTimeout":"3600s","scheduleToStartTimeout":"60s","startToCloseTimeout":"30s","heartbeatTimeout":"5s",
			"retryPolicy":{"initialInterval":"1s","backoffCoefficient":2,"maximumInterval":"100s","maximumAttempts":3},
			"input":{"payloads":[{`+json+`,"data":"MS4xMA=="}]},"idReusePolicy":"ACTIVITY_ID_REUSE_POLICY_REJECT_DUPLICATE",
			"idConflictPolicy":"ACTIVITY_ID_CONFLICT_POLICY_USE_EXISTING",
			"searchAttributes":{"indexedFields":{"CustomerId":{"metadata":{"encoding":"anNvbi9wbGFpbg==","type":"S2V5d29yZA=="},"data":"ImMtMSI="}}},
			"userMetadata":{"summary":{`+json+`,"data":"IkNoYXJnZSI="}},"priority":{"priorityKey":2},"startDelay":"2s"}`, request)
	})
}

func TestInvalidStartsAreRejected(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, _ *fakeActivity) {
		t.Helper()
		for body, pointers := range map[string][]string{
			`{}`: {"/activityType", "/activityId", "/taskQueue", "/startToCloseTimeout"},
			`{"activityType":"` + strings.Repeat("t", 1001) + `","activityId":"a","taskQueue":"q","startToCloseTimeout":"1s"}`: {"/activityType"},
			strings.Replace(startBody, "30s", "0s", 1): {"/startToCloseTimeout"},
			strings.Replace(startBody, "{", `{"idReusePolicy":"TERMINATE_IF_RUNNING","heartbeatTimeout":"soon","retryPolicy":{"backoffCoefficient":0.5},`, 1): {
				"/idReusePolicy", "/heartbeatTimeout", "/retryPolicy/backoffCoefficient",
			},
		} {
			resp := g.Do(t, http.MethodPost, activitiesPath, body)
			require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
			for _, pointer := range pointers {
				require.Contains(t, resp.Body, `"pointer":"`+pointer+`"`)
			}
		}
		for _, path := range []string{"/a?runId=r", "/-", "/a?activityId=b", "/a/result?runId=r", "/a/result?wait=soon"} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodGet, activitiesPath+path, "").Status, path)
		}
		for _, path := range []string{"/a/cancel?runId=r", "/-/terminate"} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodPost, activitiesPath+path, "").Status, path)
		}
		require.Zero(t, g.UpstreamCalls())
	})
}

func TestAStartWaitsForTheOutcome(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, f *fakeActivity) {
		t.Helper()
		took := servertest.Elapsed(func() {
			resp := g.Do(t, http.MethodPost, activitiesPath+"?wait=5s", startBody)
			require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
			require.JSONEq(t, `{"activityId":"a/1","runId":"`+temporalfake.RunID+`","started":true,"status":"RUNNING"}`, resp.Body)
			require.Equal(t, activitiesPath+"/-/result?activityId=a%2F1&runId="+temporalfake.RunID, resp.Header.Get("Location"))
			require.Equal(t, "1", resp.Header.Get("Retry-After"))
		})
		require.Equal(t, 5*time.Second, took)
		time.AfterFunc(42*time.Second, f.complete)
		took = servertest.Elapsed(func() {
			resp := g.Do(t, http.MethodPost, activitiesPath+"?wait=50s", startBody)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.JSONEq(t, `{"activityId":"a/1","runId":"`+temporalfake.RunID+`","started":true,"status":"COMPLETED","result":1.10}`, resp.Body)
		})
		require.Equal(t, 42*time.Second, took)
	})
}

func TestEqualWaitsForAnActivityShareAPoll(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, f *fakeActivity) {
		t.Helper()
		time.AfterFunc(10*time.Second, f.complete)
		for _, resp := range g.SendMany(t, 50, activitiesPath+"/a%2F1/result?wait=30s") {
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		}
		require.Len(t, g.Upstream.Calls("PollActivityExecution"), 1)
		synctest.Wait()
		for name, value := range g.InFlight(t) {
			if strings.HasPrefix(name, "flowgate_wait") || strings.Contains(name, "wait") {
				require.Equal(t, "0", value, name)
			}
		}
	})
}

func TestTheOutcomeHasStatusAndFailure(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, f *fakeActivity) {
		t.Helper()
		f.end(enums.ACTIVITY_EXECUTION_STATUS_FAILED, &activity.ActivityExecutionOutcome{
			RetryState: enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED,
			Value: &activity.ActivityExecutionOutcome_Failure{Failure: &failure.Failure{
				Message: "declined", FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "T"}},
			}},
		})
		resp := g.Do(t, http.MethodGet, activitiesPath+"/-/result?activityId=a/1&wait=10s", "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"activityId":"a/1","runId":"`+temporalfake.RunID+`","status":"FAILED","retryState":"MAXIMUM_ATTEMPTS_REACHED",
			"failure":{"message":"declined","kind":"application","type":"T"}}`, resp.Body)
		require.Empty(t, g.Upstream.Calls("PollActivityExecution"), "a closed activity needs no poll")
	})
}

func TestADrainEndsTheWaitForAnActivity(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, _ *fakeActivity) {
		t.Helper()
		time.AfterFunc(3*time.Second, g.Stop)
		resp := g.Do(t, http.MethodGet, activitiesPath+"/a/result?wait=50s", "")
		require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
		require.NoError(t, <-g.Done)
	})
}

func TestFailuresOfActivitiesHaveACode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler upstreamtest.Handler
		status  int
		code    string
	}{
		"not found":   {upstreamtest.Fail(codes.NotFound, "activity not found for ID: a"), http.StatusNotFound, "activity-not-found"},
		"not offered": {upstreamtest.Fail(codes.Unimplemented, "Standalone activity is disabled"), http.StatusNotImplemented, "not-offered-by-server"},
		"older server": {
			upstreamtest.Fail(codes.Unimplemented, "unknown method StartActivityExecution for service temporal.api.workflowservice.v1.WorkflowService"),
			http.StatusNotImplemented, "not-offered-by-server",
		},
	} {
		withActivity(t, func(t *testing.T, g *servertest.Gateway, _ *fakeActivity) {
			t.Helper()
			for _, method := range []string{
				"StartActivityExecution", "DescribeActivityExecution", "ListActivityExecutions", "CountActivityExecutions",
				"RequestCancelActivityExecution", "TerminateActivityExecution",
			} {
				g.Upstream.Handle(method, test.handler)
			}
			for _, c := range standaloneCalls() {
				if name == "not found" && (c.method == http.MethodGet && !strings.Contains(c.path, "/a") || c.body != "" || strings.HasSuffix(c.path, ":count") || c.path == activitiesPath) {
					continue // a start, a list or a count
				}
				resp := g.Do(t, c.method, c.path, c.body)
				require.Equal(t, []any{test.status, test.code}, []any{resp.Status, resp.Field(t, "code")}, "%s: %s %s", name, c.path, resp.Body)
			}
		})
	}
	withActivity(t, func(t *testing.T, g *servertest.Gateway, _ *fakeActivity) {
		t.Helper()
		g.Upstream.Handle("StartActivityExecution", upstreamtest.Fail(codes.AlreadyExists, "started", &errordetails.ActivityExecutionAlreadyStartedFailure{RunId: temporalfake.RunID}))
		resp := g.Do(t, http.MethodPost, activitiesPath, startBody)
		require.Equal(t, []any{http.StatusConflict, "activity-already-started", temporalfake.RunID}, []any{resp.Status, resp.Field(t, "code"), resp.Field(t, "runId")}, resp.Body)
		g.Upstream.Handle("RequestCancelActivityExecution", upstreamtest.Fail(codes.FailedPrecondition, "activity is in terminal state COMPLETED"))
		resp = g.Do(t, http.MethodPost, activitiesPath+"/a/cancel", "")
		require.Equal(t, []any{http.StatusConflict, "activity-completed"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
	})
}

// A start with an Idempotency-Key has the same request id each time, so that the server starts the activity once.
func TestARepeatedStartHasTheSameRequestID(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, _ *fakeActivity) {
		t.Helper()
		ids := map[string]bool{}
		for range 2 {
			require.Equal(t, http.StatusCreated, g.Do(t, http.MethodPost, activitiesPath, startBody, "Idempotency-Key", "k").Status)
		}
		for _, call := range g.Upstream.Calls("StartActivityExecution") {
			request := &workflowservice.StartActivityExecutionRequest{}
			require.NoError(t, proto.Unmarshal(call.Request, request))
			ids[request.GetRequestId()] = true
		}
		require.Len(t, ids, 1)
	})
}

// A page token is bound to the caller and to the query.
func TestActivityPagesAreBound(t *testing.T) {
	t.Parallel()
	withActivity(t, func(t *testing.T, g *servertest.Gateway, _ *fakeActivity) {
		t.Helper()
		g.Upstream.Handle("ListActivityExecutions", upstreamtest.Respond(&workflowservice.ListActivityExecutionsResponse{
			Executions: []*activity.ActivityExecutionListInfo{{ActivityId: "a"}}, NextPageToken: []byte("next"),
		}))
		first := g.Do(t, http.MethodGet, activitiesPath+"?pageSize=1&query=q", "")
		require.Equal(t, http.StatusOK, first.Status, first.Body)
		token := "&pageToken=" + first.Field(t, "nextPageToken")
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, activitiesPath+"?pageSize=1&query=q"+token, "").Status)
		calls := g.Upstream.Calls("ListActivityExecutions")
		request := &workflowservice.ListActivityExecutionsRequest{}
		require.NoError(t, proto.Unmarshal(calls[1].Request, request))
		require.Equal(t, []any{"next", int32(1), "q"}, []any{string(request.GetNextPageToken()), request.GetPageSize(), request.GetQuery()})
		require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodGet, activitiesPath+"?query=other"+token, "").Status)
		require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodGet, activitiesPath+"?query=q"+token, "", servertest.Bearer(servertest.ReaderKey)...).Status)
		lines := g.Do(t, http.MethodGet, activitiesPath+"?limit=3", "", "Accept", "application/x-ndjson")
		require.Equal(t, 3, strings.Count(lines.Body, "\n"), lines.Body)
	})
}
