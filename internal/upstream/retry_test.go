package upstream_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// describeHandler returns a handler for DescribeWorkflowExecution that succeeds.
func describeHandler() upstreamtest.Handler {
	return upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{})
}

// pausesOf returns the times between successive calls of a method.
func pausesOf(server *upstreamtest.Server, method string) []time.Duration {
	calls := server.Calls(method)
	var pauses []time.Duration
	for i := range calls[1:] {
		pauses = append(pauses, calls[i+1].Time.Sub(calls[i].Time))
	}
	return pauses
}

// requireWithinJitter requires that the durations differ from want by at most the jitter
// of 20 percent.
func requireWithinJitter(t testing.TB, want, got []time.Duration) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.GreaterOrEqual(t, got[i], want[i]*8/10, "%d: %v", i, got)
		require.LessOrEqual(t, got[i], want[i]*12/10, "%d: %v", i, got)
	}
}

func TestOnlyTransientCodesAreRetried(t *testing.T) {
	t.Parallel()
	retried := []codes.Code{
		codes.Canceled, codes.Unknown, codes.ResourceExhausted, codes.Aborted, codes.OutOfRange, codes.Internal,
		codes.Unavailable, codes.DataLoss,
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(code, "no"))
				client := newClient(t, server, func(options *upstream.Options) { options.Retry.MaxAttempts = 3 })
				require.Error(t, describeWorkflow(withRetries(t.Context()), client))
				want := 1
				if slices.Contains(retried, code) {
					want = 3
				}
				require.Len(t, server.AllCalls(), want)
			})
		})
	}
}

func TestBackoffGrowsWithJitter(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		policy upstream.RetryPolicy
		code   codes.Code
		want   []time.Duration // the pauses between attempts
	}{
		"the SDK's policy": {
			upstream.RetryPolicy{InitialInterval: 100 * ms, Multiplier: 1.7, MaxInterval: 5 * time.Second, MaxElapsed: 10 * time.Second, MaxAttempts: 5},
			codes.Unavailable,
			[]time.Duration{100 * ms, 170 * ms, 289 * ms, 491300 * time.Microsecond},
		},
		"limited by MaxInterval": {
			upstream.RetryPolicy{InitialInterval: time.Second, Multiplier: 10, MaxInterval: 3 * time.Second, MaxElapsed: time.Minute, MaxAttempts: 5},
			codes.Unavailable,
			[]time.Duration{time.Second, 3 * time.Second, 3 * time.Second, 3 * time.Second},
		},
		"longer after RESOURCE_EXHAUSTED": {
			upstream.RetryPolicy{InitialInterval: 100 * ms, Multiplier: 1.7, MaxInterval: 5 * time.Second, MaxElapsed: time.Minute, MaxAttempts: 4},
			codes.ResourceExhausted,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second},
		},
		"the longer of the two backoffs": {
			upstream.RetryPolicy{InitialInterval: 20 * time.Second, Multiplier: 1, MaxInterval: 20 * time.Second, MaxElapsed: time.Hour, MaxAttempts: 3},
			codes.ResourceExhausted,
			[]time.Duration{20 * time.Second, 20 * time.Second},
		},
		"limited by MaxElapsed": { // whatever the jitter, a pause of 8 s after 1 + 2 + 4 s exceeds 10 s
			upstream.RetryPolicy{InitialInterval: 100 * ms, Multiplier: 1.7, MaxInterval: 5 * time.Second, MaxElapsed: 10 * time.Second},
			codes.ResourceExhausted,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second},
		},
		"one attempt": {
			upstream.RetryPolicy{InitialInterval: ms, Multiplier: 1, MaxInterval: ms, MaxElapsed: time.Minute, MaxAttempts: 1},
			codes.Unavailable, nil,
		},
		"MaxElapsed zero": {
			upstream.RetryPolicy{InitialInterval: ms, Multiplier: 1, MaxInterval: ms, MaxAttempts: 9}, codes.Unavailable, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(test.code, "no"))
				client := newClient(t, server, func(options *upstream.Options) { options.Retry = test.policy })
				begin := time.Now()
				require.Error(t, describeWorkflow(withRetries(t.Context()), client))
				requireWithinJitter(t, test.want, pausesOf(server, "DescribeWorkflowExecution"))
				require.Equal(t, server.AllCalls()[len(test.want)].Time, time.Now(), "the last failure is returned immediately")
				require.LessOrEqual(t, time.Since(begin), max(test.policy.MaxElapsed, time.Duration(0)))
			})
		})
	}
}

func TestJitterSpreadsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		client := newClient(t, server)
		var shorter, longer int
		for range 30 {
			server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), describeHandler()))
			begin := time.Now()
			require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
			if time.Since(begin) < 100*time.Millisecond {
				shorter++
			} else {
				longer++
			}
			for range 10 { // restores the token that the retry took from the throttle
				require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
			}
		}
		require.Positive(t, shorter)
		require.Positive(t, longer)
	})
}

// MaxElapsed is 10 seconds, and the first pause takes at least 80 milliseconds.
func TestAttemptsCountTowardMaxElapsed(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]int{4 * time.Second: 3, 9950 * time.Millisecond: 1, 20 * time.Second: 1} {
		t.Run(took.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				fail := upstreamtest.Fail(codes.Unavailable, "no")
				server.Handle("DescribeWorkflowExecution", func(ctx context.Context, request []byte) ([]byte, error) {
					time.Sleep(took)
					return fail(ctx, request)
				})
				require.Error(t, describeWorkflow(withRetries(t.Context()), newClient(t, server)))
				require.Len(t, server.AllCalls(), want)
			})
		})
	}
}

func TestSizeErrorsAreNotRetried(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"grpc: received message larger than max (5 vs. 4)",
		"grpc: message after decompression larger than max (5 vs. 4)",
		"grpc: received message after decompression larger than max 4",
		"grpc: trying to send message larger than max (5 vs. 4)",
		"trying to send message larger than max (5 vs. 4)",
		"grpc: message too large",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.ResourceExhausted, text))
				require.Error(t, describeWorkflow(withRetries(t.Context()), newClient(t, server)))
				require.Len(t, server.AllCalls(), 1)
			})
		})
	}
}

// A write is retried only if the server can recognise the repetition by an id in the
// request. Without CallOptions.Retry, nothing is retried.
func TestOnlyRepeatableMethodsAreRetried(t *testing.T) {
	t.Parallel()
	for name, method := range upstreamtest.Methods() {
		access, _ := auth.AccessOf(name)
		request := upstreamtest.Wire(t, requestIn(t, method, orders).Interface())
		t.Run(string(method.Name()), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				client := newClient(t, server)
				attempts := func(retry bool) int {
					before := len(server.AllCalls())
					server.Handle(name, upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), describeHandler()))
					_, err := client.Invoke(withOptions(t.Context(), upstream.CallOptions{Namespace: orders, Retry: retry}), name, request)
					require.Equal(t, retry && access.Retry, err == nil, "%v", err)
					return len(server.AllCalls()) - before
				}
				require.Equal(t, 1, attempts(false))
				if access.Retry {
					require.Equal(t, 2, attempts(true))
				} else {
					require.Equal(t, 1, attempts(true))
				}
			})
		})
	}
}

func TestTheThrottleLimitsRetries(t *testing.T) {
	t.Parallel()
	const calls, maxRetries = 1000, 49 // the throttle has 100 tokens, and stops retries when a failure leaves 50
	for name, inParallel := range map[string]bool{"in sequence": false, "in parallel": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				client := newClient(t, server)
				server.Handle("DescribeWorkflowExecution", describeHandler())
				for range calls { // successes do not accumulate tokens above the maximum
					require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
				}
				server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "no"))
				before := len(server.AllCalls())
				var callers sync.WaitGroup
				for range calls {
					callers.Go(func() { _ = describeWorkflow(withRetries(t.Context()), client) })
					if !inParallel {
						callers.Wait()
					}
				}
				callers.Wait()
				attempts := len(server.AllCalls()) - before
				require.GreaterOrEqual(t, attempts, calls)
				require.LessOrEqual(t, attempts, calls+maxRetries)

				// Each success restores a tenth of a token. After 505 successes there are 50.5 tokens: the next failure
				// leaves too few for a retry. Another 30 successes restore enough.
				server.Handle("DescribeWorkflowExecution", describeHandler())
				for range 505 {
					require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
				}
				failOnce := func() upstreamtest.Handler {
					return upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), describeHandler())
				}
				server.Handle("DescribeWorkflowExecution", failOnce())
				require.Error(t, describeWorkflow(withRetries(t.Context()), client))
				for range 30 {
					require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
				}
				server.Handle("DescribeWorkflowExecution", failOnce())
				require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
			})
		})
	}
}

func TestErrorsThatAreNotRetriedTakeNoThrottleTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "nowhere"))
		client := newClient(t, server)
		for range 50 {
			require.Error(t, describeWorkflow(withRetries(t.Context()), client))
		}
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), describeHandler()))
		require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
	})
}

func sendUpdate(ctx context.Context, client *upstream.Client) error {
	return client.Do(ctx, workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName,
		&workflowservice.UpdateWorkflowExecutionRequest{Namespace: orders}, &workflowservice.UpdateWorkflowExecutionResponse{})
}

// When the server rejects an update because of its limit, it also drops the updates of the workflow that are not yet
// accepted. So a retry would do harm, and the caller decides when to send the update again.
func TestUpdateLimitErrorsAreNotRetried(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"limit on number of concurrent in-flight updates has been reached (10)",
		"limit on total payload size of in-flight updates has been reached (20971520 bytes)",
	} {
		synctest.Test(t, func(t *testing.T) {
			server := upstreamtest.New(t)
			server.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.ResourceExhausted, text, &errordetails.ResourceExhaustedFailure{
				Cause: enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT, Scope: enums.RESOURCE_EXHAUSTED_SCOPE_NAMESPACE,
			}))
			upstreamtest.RequireProblem(t, problem.WorkflowBusy, sendUpdate(withRetries(t.Context()), newClient(t, server)))
			require.Len(t, server.AllCalls(), 1)
		})
	}
}

func TestAnAbortedUpdateIsRetriedWithALongerBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		upstreamtest.RequireProblem(t, problem.WorkflowBusy, sendUpdate(withRetries(t.Context()), newClient(t, server)))
		requireWithinJitter(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, pausesOf(server, "UpdateWorkflowExecution"))
	})
}

func TestABusyWorkflowTakesNoThrottleTokens(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]upstreamtest.Handler{
		"an aborted update": upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"),
		"a cleared query":   upstreamtest.Fail(codes.Unavailable, "buffered query cleared, please retry"),
		"busy": upstreamtest.Fail(codes.ResourceExhausted, "busy", &errordetails.ResourceExhaustedFailure{
			Cause: enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW,
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("UpdateWorkflowExecution", handler)
				client := newClient(t, server)
				var callers sync.WaitGroup
				for range 200 {
					callers.Go(func() {
						upstreamtest.RequireProblem(t, problem.WorkflowBusy, sendUpdate(withRetries(t.Context()), client))
					})
				}
				callers.Wait()
				server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), describeHandler()))
				require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
			})
		})
	}
}

func TestCancellationStopsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.ResourceExhausted, "slow down"))
		client := newClient(t, server)
		event := &telemetry.Event{}
		ctx, cancel := context.WithCancel(telemetry.NewContext(withRetries(t.Context()), event))
		begin := time.Now()
		time.AfterFunc(300*time.Millisecond, cancel)
		upstreamtest.RequireProblem(t, problem.ClientClosedRequest, describeWorkflow(ctx, client))
		require.Equal(t, 300*time.Millisecond, time.Since(begin))
		require.Equal(t, 1, event.UpstreamCalls)
		require.Zero(t, event.Retries)
		time.Sleep(time.Minute)
		require.Len(t, server.AllCalls(), 1)
	})
}

// If the deadline is earlier than the next attempt, the last error is more useful to the
// caller than DEADLINE_EXCEEDED.
func TestABackoffBeyondTheDeadlineFailsImmediately(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.ResourceExhausted, "slow down"))
		client := newClient(t, server)
		ctx, cancel := context.WithTimeout(withRetries(t.Context()), 500*time.Millisecond)
		defer cancel()
		begin := time.Now()
		upstreamtest.RequireProblem(t, problem.RateLimited, describeWorkflow(ctx, client))
		require.Zero(t, time.Since(begin))
	})
}

func TestReadsSurviveALostConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Hang, describeHandler()))
		server.Handle("TerminateWorkflowExecution", upstreamtest.Hang)
		client := newClient(t, server)
		time.AfterFunc(time.Second, server.CloseConnections)
		require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
		require.Len(t, server.Calls("DescribeWorkflowExecution"), 2)

		time.AfterFunc(time.Second, server.CloseConnections)
		upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, terminateWorkflow(withRetries(t.Context()), client))
		require.Len(t, server.Calls("TerminateWorkflowExecution"), 1, "the server may have executed the lost call")
	})
}

func TestReadsSurviveGoAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t, grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: 2 * time.Second, MaxConnectionAgeGrace: time.Second,
		}))
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Hang, describeHandler()))
		client := newClient(t, server)
		require.NoError(t, describeWorkflow(withRetries(t.Context()), client))
		require.Len(t, server.AllCalls(), 2)
		for range 10 { // MaxConnectionAge ends several connections between the calls
			time.Sleep(1500 * time.Millisecond)
			require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
		}
		require.Len(t, server.AllCalls(), 12)
	})
}

// muteConn is a connection that drops all data that is written after mute is set.
type muteConn struct {
	net.Conn

	mute *atomic.Bool
}

func (c muteConn) Write(p []byte) (int, error) {
	if c.mute.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func TestKeepAliveDetectsADeadConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Hang, describeHandler()))
		firstMute := new(atomic.Bool)
		mute := firstMute
		client := newClient(t, server, func(options *upstream.Options) {
			options.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := server.Dial(ctx, address)
				connMute := mute
				mute = new(atomic.Bool) // only the first connection loses data
				return muteConn{conn, connMute}, err
			}
		})
		begin := time.Now()
		time.AfterFunc(time.Second, func() { firstMute.Store(true) })
		upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, describeWorkflow(withOptions(t.Context(), upstream.CallOptions{Namespace: orders, Timeout: 5 * time.Minute}), client))
		require.LessOrEqual(t, time.Since(begin), time.Minute, "keep-alive detects the dead connection before the deadline of the call")
		require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
	})
}
