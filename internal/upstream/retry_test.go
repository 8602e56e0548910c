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

// described is any good answer.
func described() upstreamtest.Handler {
	return upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{})
}

// pausesOf gives the time between the calls of a method.
func pausesOf(server *upstreamtest.Server, method string) []time.Duration {
	calls := server.Calls(method)
	var pauses []time.Duration
	for i := range calls[1:] {
		pauses = append(pauses, calls[i+1].Time.Sub(calls[i].Time))
	}
	return pauses
}

// requireAbout holds durations against those of the policy, a fifth either way.
func requireAbout(t testing.TB, want, got []time.Duration) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.GreaterOrEqual(t, got[i], want[i]*8/10, "%d: %v", i, got)
		require.LessOrEqual(t, got[i], want[i]*12/10, "%d: %v", i, got)
	}
}

func TestWhichCodesAreRetried(t *testing.T) {
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
				require.Error(t, ask(retrying(t.Context()), client))
				want := 1
				if slices.Contains(retried, code) {
					want = 3
				}
				require.Len(t, server.AllCalls(), want)
			})
		})
	}
}

func TestPausesGrowAndSpread(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		policy upstream.RetryPolicy
		code   codes.Code
		want   []time.Duration
	}{
		"the SDK's policy": {
			upstream.RetryPolicy{InitialInterval: 100 * ms, Multiplier: 1.7, MaxInterval: 5 * time.Second, MaxElapsed: 10 * time.Second, MaxAttempts: 5},
			codes.Unavailable,
			[]time.Duration{100 * ms, 170 * ms, 289 * ms, 491300 * time.Microsecond},
		},
		"up to the longest pause": {
			upstream.RetryPolicy{InitialInterval: time.Second, Multiplier: 10, MaxInterval: 3 * time.Second, MaxElapsed: time.Minute, MaxAttempts: 5},
			codes.Unavailable,
			[]time.Duration{time.Second, 3 * time.Second, 3 * time.Second, 3 * time.Second},
		},
		"slower after too many calls": {
			upstream.RetryPolicy{InitialInterval: 100 * ms, Multiplier: 1.7, MaxInterval: 5 * time.Second, MaxElapsed: time.Minute, MaxAttempts: 4},
			codes.ResourceExhausted,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second},
		},
		"by the longer of the two": {
			upstream.RetryPolicy{InitialInterval: 20 * time.Second, Multiplier: 1, MaxInterval: 20 * time.Second, MaxElapsed: time.Hour, MaxAttempts: 3},
			codes.ResourceExhausted,
			[]time.Duration{20 * time.Second, 20 * time.Second},
		},
		"within the time allowed": { // 1 + 2 + 4 leave no room for 8, whatever the jitter
			upstream.RetryPolicy{InitialInterval: 100 * ms, Multiplier: 1.7, MaxInterval: 5 * time.Second, MaxElapsed: 10 * time.Second},
			codes.ResourceExhausted,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second},
		},
		"one attempt is no retry": {
			upstream.RetryPolicy{InitialInterval: ms, Multiplier: 1, MaxInterval: ms, MaxElapsed: time.Minute, MaxAttempts: 1},
			codes.Unavailable, nil,
		},
		"no time is no retry": {
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
				require.Error(t, ask(retrying(t.Context()), client))
				requireAbout(t, test.want, pausesOf(server, "DescribeWorkflowExecution"))
				require.Equal(t, server.AllCalls()[len(test.want)].Time, time.Now(), "the last failure is told at once")
				require.LessOrEqual(t, time.Since(begin), max(test.policy.MaxElapsed, time.Duration(0)))
			})
		})
	}
}

func TestThoseWhoFailTogetherDoNotComeBackTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		client := newClient(t, server)
		var shorter, longer int
		for range 30 {
			server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), described()))
			begin := time.Now()
			require.NoError(t, ask(retrying(t.Context()), client))
			if time.Since(begin) < 100*time.Millisecond {
				shorter++
			} else {
				longer++
			}
			for range 10 { // keeps the throttle open
				require.NoError(t, ask(retrying(t.Context()), client))
			}
		}
		require.Positive(t, shorter)
		require.Positive(t, longer)
	})
}

func TestAttemptsCountAgainstTheTimeAllowed(t *testing.T) {
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
				require.Error(t, ask(retrying(t.Context()), newClient(t, server)))
				require.Len(t, server.AllCalls(), want)
			})
		})
	}
}

// A message that is too large is as large the next time.
func TestSizesAreNeverRetried(t *testing.T) {
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
				require.Error(t, ask(retrying(t.Context()), newClient(t, server)))
				require.Len(t, server.AllCalls(), 1)
			})
		})
	}
}

// A write goes out once unless its request carries an id by which the server
// knows it again; and nothing is repeated at a door that leaves it to its clients.
func TestWhichMethodsAreRetried(t *testing.T) {
	t.Parallel()
	for name, method := range methods() {
		access, _ := auth.AccessOf(name)
		request := wire(t, requestIn(t, method, orders).Interface())
		t.Run(string(method.Name()), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				client := newClient(t, server)
				attempts := func(retry bool) int {
					before := len(server.AllCalls())
					server.Handle(name, upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), described()))
					_, err := client.Invoke(as(t.Context(), upstream.CallOptions{Namespace: orders, Retry: retry}), name, request)
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

func TestAnUpstreamThatIsDownIsNotHammered(t *testing.T) {
	t.Parallel()
	const calls, extra = 1000, 49
	for name, inParallel := range map[string]bool{"one after another": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				client := newClient(t, server)
				server.Handle("DescribeWorkflowExecution", described())
				for range calls { // good times are not saved up
					require.NoError(t, ask(retrying(t.Context()), client))
				}
				server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "no"))
				before := len(server.AllCalls())
				var callers sync.WaitGroup
				for range calls {
					callers.Go(func() { _ = ask(retrying(t.Context()), client) })
					if !inParallel {
						callers.Wait()
					}
				}
				callers.Wait()
				made := len(server.AllCalls()) - before
				require.GreaterOrEqual(t, made, calls)
				require.LessOrEqual(t, made, calls+extra)

				// It comes back slowly: a tenth of a retry for each success.
				server.Handle("DescribeWorkflowExecution", described())
				for range 505 {
					require.NoError(t, ask(retrying(t.Context()), client))
				}
				failOnce := func() upstreamtest.Handler {
					return upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), described())
				}
				server.Handle("DescribeWorkflowExecution", failOnce())
				require.Error(t, ask(retrying(t.Context()), client))
				for range 30 {
					require.NoError(t, ask(retrying(t.Context()), client))
				}
				server.Handle("DescribeWorkflowExecution", failOnce())
				require.NoError(t, ask(retrying(t.Context()), client))
			})
		})
	}
}

func TestAnswersThatRefuseDoNotStopRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "nowhere"))
		client := newClient(t, server)
		for range 50 {
			require.Error(t, ask(retrying(t.Context()), client))
		}
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), described()))
		require.NoError(t, ask(retrying(t.Context()), client))
	})
}

// sendUpdate makes a call that sends an update.
func sendUpdate(ctx context.Context, client *upstream.Client) error {
	return client.Do(ctx, workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName,
		&workflowservice.UpdateWorkflowExecutionRequest{Namespace: orders}, &workflowservice.UpdateWorkflowExecutionResponse{})
}

// Each refusal makes the server drop those of the workflow's updates that were not accepted yet: the caller knows better
// when to come back.
func TestAnUpdateBeyondThoseInFlightIsLeftToItsCaller(t *testing.T) {
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
			requireProblem(t, problem.WorkflowBusy, sendUpdate(retrying(t.Context()), newClient(t, server)))
			require.Len(t, server.AllCalls(), 1)
		})
	}
}

func TestADroppedUpdateIsSentAgainSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		requireProblem(t, problem.WorkflowBusy, sendUpdate(retrying(t.Context()), newClient(t, server)))
		requireAbout(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, pausesOf(server, "UpdateWorkflowExecution"))
	})
}

func TestABusyWorkflowTakesNobodyElsesRetries(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]upstreamtest.Handler{
		"an update is dropped": upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"),
		"a query is dropped":   upstreamtest.Fail(codes.Unavailable, "buffered query cleared, please retry"),
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
					callers.Go(func() { requireProblem(t, problem.WorkflowBusy, sendUpdate(retrying(t.Context()), client)) })
				}
				callers.Wait()
				server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "no"), described()))
				require.NoError(t, ask(retrying(t.Context()), client))
			})
		})
	}
}

func TestACallerThatLeavesStopsTheRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.ResourceExhausted, "slow down"))
		client := newClient(t, server)
		event := &telemetry.Event{}
		ctx, leave := context.WithCancel(telemetry.NewContext(retrying(t.Context()), event))
		begin := time.Now()
		time.AfterFunc(300*time.Millisecond, leave)
		requireProblem(t, problem.ClientClosedRequest, ask(ctx, client))
		require.Equal(t, 300*time.Millisecond, time.Since(begin))
		require.Equal(t, 1, event.UpstreamCalls)
		require.Zero(t, event.Retries)
		time.Sleep(time.Minute)
		require.Len(t, server.AllCalls(), 1)
	})
}

// With no time left after a pause, the error at hand tells more than a deadline.
func TestAPauseBeyondTheCallersTimeIsNotBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.ResourceExhausted, "slow down"))
		client := newClient(t, server)
		ctx, cancel := context.WithTimeout(retrying(t.Context()), 500*time.Millisecond)
		defer cancel()
		begin := time.Now()
		requireProblem(t, problem.RateLimited, ask(ctx, client))
		require.Zero(t, time.Since(begin))
	})
}

func TestReadsOutliveAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Hang, described()))
		server.Handle("TerminateWorkflowExecution", upstreamtest.Hang)
		client := newClient(t, server)
		time.AfterFunc(time.Second, server.Cut)
		require.NoError(t, ask(retrying(t.Context()), client))
		require.Len(t, server.Calls("DescribeWorkflowExecution"), 2)

		time.AfterFunc(time.Second, server.Cut)
		requireProblem(t, problem.UpstreamUnavailable, end(retrying(t.Context()), client))
		require.Len(t, server.Calls("TerminateWorkflowExecution"), 1, "it may have been done")
	})
}

func TestReadsOutliveAGoAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t, grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: 2 * time.Second, MaxConnectionAgeGrace: time.Second,
		}))
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Hang, described()))
		client := newClient(t, server)
		require.NoError(t, ask(retrying(t.Context()), client))
		require.Len(t, server.AllCalls(), 2)
		for range 10 { // over the ends of several connections, with nothing in flight
			time.Sleep(1500 * time.Millisecond)
			require.NoError(t, ask(inOrders(t.Context()), client))
		}
		require.Len(t, server.AllCalls(), 12)
	})
}

// muteConn is a connection on which, from a moment on, nothing arrives any more.
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

func TestADeadConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(upstreamtest.Hang, described()))
		first := new(atomic.Bool)
		next := first
		client := newClient(t, server, func(options *upstream.Options) {
			options.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := server.Dial(ctx, address)
				mute := next
				next = new(atomic.Bool) // the connections to come are well
				return muteConn{conn, mute}, err
			}
		})
		begin := time.Now()
		time.AfterFunc(time.Second, func() { first.Store(true) })
		requireProblem(t, problem.UpstreamUnavailable, ask(as(t.Context(), upstream.CallOptions{Namespace: orders, Timeout: 5 * time.Minute}), client))
		require.LessOrEqual(t, time.Since(begin), time.Minute, "by its pings, long before the call's deadline")
		require.NoError(t, ask(inOrders(t.Context()), client))
	})
}
