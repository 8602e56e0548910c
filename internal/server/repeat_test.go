package server_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// repeatCase has requests that fail with a code. A load balancer repeats a request that gets 503.
type repeatCase struct {
	configure func(*config.Config)
	// unsent sends a write that fails before the gateway has sent a call, refused one that Temporal refuses, and sent one
	// whose effect is unknown. Nil means that the code has no such request.
	unsent, refused, sent func(*testing.T, *servertest.Gateway) servertest.Response
}

func terminate(t *testing.T, g *servertest.Gateway) servertest.Response {
	t.Helper()
	return g.Do(t, http.MethodPost, terminatePath, "")
}

// terminateThatFails sends a write that fails with a status of the upstream.
func terminateThatFails(code codes.Code, cause enums.ResourceExhaustedCause) func(*testing.T, *servertest.Gateway) servertest.Response {
	return func(t *testing.T, g *servertest.Gateway) servertest.Response {
		t.Helper()
		g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Fail(code, "no", &errordetails.ResourceExhaustedFailure{Cause: cause}))
		return terminate(t, g)
	}
}

// hang keeps a write in flight until the test ends, and returns its response.
func hang(t *testing.T, g *servertest.Gateway) <-chan servertest.Response {
	t.Helper()
	g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Hang)
	response := make(chan servertest.Response, 1)
	go func() {
		resp, _ := g.Send(context.WithoutCancel(t.Context()), http.MethodPost, terminatePath, "", "Request-Timeout", "1m")
		response <- resp
	}()
	synctest.Wait()
	return response
}

//nolint:gochecknoglobals // a read-only table
var repeatCases = map[problem.Code]repeatCase{
	problem.Draining: {
		configure: servertest.WithDrain,
		unsent: func(t *testing.T, g *servertest.Gateway) servertest.Response {
			t.Helper()
			hang(t, g)
			g.Stop()
			time.Sleep(6 * time.Second) // until after the delay of 5 s
			return terminate(t, g)
		},
		sent: func(t *testing.T, g *servertest.Gateway) servertest.Response {
			t.Helper()
			inFlight := hang(t, g)
			g.Stop()
			return <-inFlight
		},
	},
	problem.Overloaded: {
		configure: func(cfg *config.Config) { cfg.Limits.InFlight.Writes, cfg.Limits.InFlight.CallerShare = 1, 1 },
		unsent: func(t *testing.T, g *servertest.Gateway) servertest.Response {
			t.Helper()
			hang(t, g)
			return terminate(t, g)
		},
		// TestTheErrorOfAWriteReportsThatTheCallWasMade has the write that was sent.
	},
	problem.UpstreamUnavailable: {
		unsent: func(t *testing.T, g *servertest.Gateway) servertest.Response {
			t.Helper()
			g.Upstream.UseDialer(upstreamtest.Refused("127.0.0.1:7233"))
			g.Upstream.CloseConnections()
			synctest.Wait()
			return terminate(t, g)
		},
		sent: terminateThatFails(codes.Unavailable, 0),
	},
	problem.UpstreamOverloaded: {
		refused: terminateThatFails(codes.ResourceExhausted, enums.RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED),
		// The first attempt may have taken effect.
		sent: func(t *testing.T, g *servertest.Gateway) servertest.Response {
			t.Helper()
			g.Upstream.Handle("StartWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), refuseByOverload()))
			return g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""))
		},
	},
	problem.WorkflowBusy: {refused: terminateThatFails(codes.ResourceExhausted, enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW)},
	problem.UpdateNotAdmitted: {refused: func(t *testing.T, g *servertest.Gateway) servertest.Response {
		t.Helper()
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Respond(&workflowservice.UpdateWorkflowExecutionResponse{
			Stage: enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED,
		}))
		return g.Do(t, http.MethodPost, servertest.UpdatesPath+"?wait=1s", `{"update":"add"}`)
	}},
	problem.JWKSUnavailable: {}, // requireKeysUnavailable: authentication comes before every call
}

// refuseByOverload returns the error with which an overloaded Temporal server refuses a call.
func refuseByOverload() upstreamtest.Handler {
	return upstreamtest.Fail(codes.ResourceExhausted, "no",
		&errordetails.ResourceExhaustedFailure{Cause: enums.RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED})
}

// A load balancer repeats a request that gets 503, even a write. So no write that may have taken effect gets 503, except an
// update, whose paths load balancers exclude.
func TestNoWriteGets503IfItMayHaveTakenEffect(t *testing.T) {
	t.Parallel()
	for _, code := range problem.Codes() {
		c, ok := repeatCases[code]
		require.Equal(t, code.Row().Status == http.StatusServiceUnavailable, ok, "%s: the test has a case for each code with status 503", code)
		for _, test := range []struct {
			name   string
			send   func(*testing.T, *servertest.Gateway) servertest.Response
			status int
		}{
			{"not sent", c.unsent, http.StatusServiceUnavailable},
			{"refused", c.refused, http.StatusServiceUnavailable},
			{"sent", c.sent, http.StatusGatewayTimeout},
		} {
			if test.send == nil {
				continue
			}
			t.Run(string(code)+" "+test.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					g := servertest.Start(t, servertest.Options{Configure: c.configure})
					synctest.Wait()
					resp := test.send(t, g)
					require.Equal(t, []any{test.status, string(code)}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
					require.Equal(t, []string{"true", "1"}, []string{resp.Field(t, "retryable"), resp.Header.Get("Retry-After")})
				})
			})
		}
	}
}

// While the breaker is open, no call is sent.
func TestAWriteGets503WhileTheBreakerIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Upstream.Breaker.Failures = 1 }})
		synctest.Wait()
		send := terminateThatFails(codes.Unavailable, 0)
		require.Equal(t, http.StatusGatewayTimeout, send(t, g).Status)
		require.Equal(t, http.StatusServiceUnavailable, send(t, g).Status)
		require.Len(t, g.Upstream.Calls("TerminateWorkflowExecution"), 1)
	})
}

// A read has no effect, so it may be repeated after it was sent.
func TestAReadGets503AfterItWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(codes.Unavailable, "no"))
		resp := g.Do(t, http.MethodGet, countPath, "")
		require.Equal(t, http.StatusServiceUnavailable, resp.Status, resp.Body)
	})
}

// The start has taken effect when its wait fails.
func TestAStartWhoseWaitFailsGetsNo503(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: "r", Started: true}))
		g.Upstream.Handle("GetWorkflowExecutionHistory", refuseByOverload())
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"?wait=20s", servertest.StartBody(""))
		require.NotEmpty(t, g.Upstream.Calls("GetWorkflowExecutionHistory"))
		require.Equal(t, []any{http.StatusGatewayTimeout, "upstream-overloaded"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
	})
}
