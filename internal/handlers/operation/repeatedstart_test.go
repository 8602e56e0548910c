package operation_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// chain is a run chain that was started by the first start: the first run is temporalfake.RunID. If it has continued, the
// current run is handlerstest.NewRunID.
type chain struct {
	mu        sync.Mutex
	startedBy string // the request id of the start
	continued bool
}

// serveChain makes the upstream start and describe the chain.
func serveChain(g *servertest.Gateway) *chain {
	c := &chain{}
	g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Typed(func(
		_ context.Context, r *workflowservice.StartWorkflowExecutionRequest,
	) (*workflowservice.StartWorkflowExecutionResponse, error) {
		return &workflowservice.StartWorkflowExecutionResponse{RunId: temporalfake.RunID, Started: true}, c.start(r.GetRequestId())
	}))
	g.Upstream.Handle("SignalWithStartWorkflowExecution", upstreamtest.Typed(func(
		_ context.Context, r *workflowservice.SignalWithStartWorkflowExecutionRequest,
	) (*workflowservice.SignalWithStartWorkflowExecutionResponse, error) {
		return &workflowservice.SignalWithStartWorkflowExecutionResponse{RunId: temporalfake.RunID, Started: true}, c.start(r.GetRequestId())
	}))
	g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Typed(c.describe))
	return c
}

func (c *chain) start(requestID string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.startedBy == "" {
		c.startedBy = requestID
	}
	if c.startedBy == requestID && !c.continued {
		return nil
	}
	already, err := status.New(codes.AlreadyExists, "already started").WithDetails(&errordetails.WorkflowExecutionAlreadyStartedFailure{
		StartRequestId: c.startedBy, RunId: temporalfake.RunID,
	})
	if err != nil {
		return err
	}
	return already.Err()
}

func (c *chain) describe(_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.startedBy == "" {
		return nil, status.Error(codes.NotFound, "workflow not found for ID: w")
	}
	run, ids := temporalfake.RunID, map[string]*workflow.RequestIdInfo{c.startedBy: {}}
	if c.continued && r.GetExecution().GetRunId() == "" {
		run, ids = handlerstest.NewRunID, nil
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: run}, FirstRunId: temporalfake.RunID,
		},
		WorkflowExtendedInfo: &workflow.WorkflowExecutionExtendedInfo{RequestIdInfos: ids},
	}, nil
}

func (c *chain) continueAsNew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.continued = true
}

func TestARepeatedStartReturnsTheFirstRun(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]string{"start": "", "signal with start": `,"startSignal":"go"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				c := serveChain(g)
				start := func(arg, key string) servertest.Response {
					return g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"args":[`+arg+`]`+signal), "Idempotency-Key", key)
				}
				first := start("1", "k")
				require.Equal(t, http.StatusCreated, first.Status, first.Body)
				require.NotContains(t, first.Header, "Idempotent-Replayed")
				for range 2 {
					again := start("1", "k")
					require.Equal(t, http.StatusCreated, again.Status, again.Body)
					require.Equal(t, []string{"true", temporalfake.RunID}, []string{again.Header.Get("Idempotent-Replayed"), again.Field(t, "runId")})
					reused := start("2", "k")
					require.Equal(t, []any{http.StatusUnprocessableEntity, "idempotency-key-reused"}, []any{reused.Status, reused.Field(t, "code")})
					require.Equal(t, []string{"w", temporalfake.RunID}, []string{reused.Field(t, "workflowId"), reused.Field(t, "runId")})
					require.NotContains(t, reused.Header, "Idempotent-Replayed")
					c.continueAsNew() // in the second round, the first run is not the current one
				}
				other := start("1", "l")
				require.Equal(t, []any{http.StatusConflict, "workflow-already-started"}, []any{other.Status, other.Field(t, "code")})
			})
		})
	}
}

// A failed lookup must not lead to a second run. Older servers do not return the first run, and deduplicate on the current
// one only.
func TestALookupOfARepeatedStartThatFailsStartsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		serveChain(g)
		key := []string{"Idempotency-Key", "k"}
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.PermissionDenied, "no"))
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), key...)
		require.Equal(t, []string{"permission-denied", "w"}, []string{resp.Field(t, "code"), resp.Field(t, "workflowId")})
		require.Empty(t, g.Upstream.Calls("StartWorkflowExecution"))

		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{}))
		resp = g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), key...)
		require.Equal(t, http.StatusCreated, resp.Status)
		require.NotContains(t, resp.Header, "Idempotent-Replayed")
	})
}

// Two concurrent requests with one key and two bodies: the lookup finds nothing, but the server's error names the start.
func TestAReusedKeyIsFoundInTheServersError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		serveChain(g)
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "workflow not found for ID: w"))
		for body, code := range map[string]string{`"args":[2]`: "idempotency-key-reused", `"args":[1]`: ""} {
			g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"args":[1]`), "Idempotency-Key", "k")
			resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(body), "Idempotency-Key", "k")
			require.Equal(t, code, resp.Field(t, "code"), resp.Body)
		}
		tooLong := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), "Idempotency-Key", strings.Repeat("k", 256))
		require.Equal(t, []string{"Idempotency-Key"}, handlerstest.Pointers(t, tooLong))
	})
}
