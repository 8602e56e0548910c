package taskqueue_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// withQueue runs a test with a gateway and a task queue.
func withQueue(t *testing.T, test func(t *testing.T, g *servertest.Gateway, q *queue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: servertest.WithDrain})
		synctest.Wait()
		test(t, g, newQueue(t, g))
	})
}

func TestPollReturnsATaskWithLosslessValues(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		sent := task(1)
		sent.WorkflowExecution = &common.WorkflowExecution{WorkflowId: "order", RunId: "run"}
		sent.WorkflowType = &common.WorkflowType{Name: "Order"}
		json := func(text string) *common.Payload {
			return &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)}
		}
		binary := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte("hi")}
		sent.Input = &common.Payloads{Payloads: []*common.Payload{json(`{"amount":1.10,"n":12345678901234567890}`), json("1e400")}}
		sent.HeartbeatDetails = &common.Payloads{Payloads: []*common.Payload{json(`1`), binary}}
		sent.Header = &common.Header{Fields: map[string]*common.Payload{"trace": binary}}
		sent.ScheduledTime, sent.StartedTime = timestamppb.New(time.Unix(1, 0)), timestamppb.New(time.Unix(2, 0))
		sent.StartToCloseTimeout, sent.HeartbeatTimeout = durationpb.New(90*time.Second), durationpb.New(0)
		sent.RetryPolicy = &common.RetryPolicy{InitialInterval: durationpb.New(time.Second), BackoffCoefficient: 2}
		sent.Priority = &common.Priority{PriorityKey: 2}
		q.tasks <- sent
		resp := g.Do(t, http.MethodPost, pollPath, "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		require.Equal(t, `{"taskToken":"MQ==","workflowId":"order","runId":"run","workflowType":"Order","activityId":"1",`+
			`"activityType":"Charge","attempt":1,"args":[{"amount":1.10,"n":12345678901234567890},1e400],`+
			`"heartbeatDetailPayloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MQ==","json":1},`+
			`{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"aGk="}],`+
			`"headers":{"trace":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"aGk="}},`+
			`"scheduledTime":"1970-01-01T00:00:01Z","startedTime":"1970-01-01T00:00:02Z","startToCloseTimeout":"90s",`+
			`"retryPolicy":{"backoffCoefficient":2,"initialInterval":"1s","maximumAttempts":0},"priority":{"priorityKey":2}}`,
			strings.TrimSuffix(resp.Body, "\n"))
		synctest.Wait()
		require.Empty(t, q.failures(), "a task that was delivered is not given back")
	})
}

func TestPollSendsIdentityVersionAndRate(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		q.tasks <- task(1)
		body := `{"identitySuffix":"w1","deploymentName":"payments","buildId":"1.0","maxTasksPerSecond":0.5}`
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, "/v1/namespaces/default/task-queues/-/activities:poll?taskQueue=a%2Fb", body).Status)
		sent := q.polls[0]
		require.Equal(t, "a/b", sent.GetTaskQueue().GetName())
		require.Equal(t, "writer/w1", sent.GetIdentity())
		require.Equal(t, `deployment_name:"payments" build_id:"1.0" worker_versioning_mode:WORKER_VERSIONING_MODE_VERSIONED`,
			strings.ReplaceAll(sent.GetDeploymentOptions().String(), "  ", " "))
		require.InDelta(t, 0.5, sent.GetTaskQueueMetadata().GetMaxTasksPerSecond().GetValue(), 0)
	})
}

func TestPollWithoutATaskEndsWithTheWait(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		for wait, want := range map[string]time.Duration{
			"": 2 * time.Second, "?wait=0s": 2 * time.Second, "?wait=500ms": 2 * time.Second, "?wait=5s": 5 * time.Second,
			"?wait=30s": 30 * time.Second, "?wait=10m": 55 * time.Second,
		} {
			took := servertest.Elapsed(func() {
				resp := g.Do(t, http.MethodPost, pollPath+wait, "")
				require.Equal(t, []any{http.StatusNoContent, ""}, []any{resp.Status, resp.Body})
			})
			require.Equal(t, want, took.Round(10*time.Millisecond), wait)
		}
		require.Zero(t, q.pollersNow(), "no poll outlives its request")
		require.Contains(t, q.timeouts, 3*time.Second, "the shortest poll")
		for _, timeout := range q.timeouts {
			require.LessOrEqual(t, timeout, 11*time.Second)
			require.GreaterOrEqual(t, timeout, 3*time.Second)
		}
	})
}

func TestATaskForAClientThatHasLeftIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(context.Context, *servertest.Gateway){
		"HTTP/1": func(ctx context.Context, g *servertest.Gateway) {
			_, _ = g.Send(ctx, http.MethodPost, pollPath+"?wait=30s", "")
		},
		"HTTP/2": func(ctx context.Context, g *servertest.Gateway) {
			protocols := new(http.Protocols)
			protocols.SetUnencryptedHTTP2(true)
			transport := &http.Transport{Protocols: protocols, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return g.Listener.Dial(ctx) }}
			defer transport.CloseIdleConnections()
			r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway"+pollPath+"?wait=30s", nil)
			r.Header.Set("Authorization", "Bearer "+servertest.WriterKey)
			if response, err := transport.RoundTrip(r); err == nil {
				_ = response.Body.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				leave(ctx, g)
				synctest.Wait()
				require.Equal(t, 1, q.pollersNow(), "the poll is not cancelled")
				require.Equal(t, "1", g.InFlight(t)[`flowgate_in_flight{kind="poll"}`], "it keeps its slot")
				q.tasks <- task(7)
				synctest.Wait()
				require.Len(t, q.failures(), 1)
				failed := q.failures()[0]
				require.Equal(t, []string{"7", "default", "writer", "TaskNotDelivered"}, []string{
					string(failed.GetTaskToken()), failed.GetNamespace(), failed.GetIdentity(), failed.GetFailure().GetApplicationFailureInfo().GetType(),
				})
				require.False(t, failed.GetFailure().GetApplicationFailureInfo().GetNonRetryable())
				require.Equal(t, 100*time.Millisecond, failed.GetFailure().GetApplicationFailureInfo().GetNextRetryDelay().AsDuration())
				require.Equal(t, "0", g.InFlight(t)[`flowgate_in_flight{kind="poll"}`])
			})
		})
	}
}

func TestTheNextEqualPollContinuesOneWhoseClientHasLeft(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		leave := func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := g.Send(ctx, http.MethodPost, pollPath+"?wait=30s", "")
			require.Error(t, err)
			synctest.Wait()
		}
		leave()
		responses := make(chan servertest.Response, 1)
		go func() {
			resp, _ := g.Send(t.Context(), http.MethodPost, pollPath+"?wait=20s", "")
			responses <- resp
		}()
		synctest.Wait()
		require.Equal(t, 1, q.pollersNow(), "the second request makes no second call")
		require.Equal(t, "1", g.InFlight(t)[`flowgate_in_flight{kind="poll"}`], "and holds the only slot")
		q.tasks <- task(1)
		require.Equal(t, http.StatusOK, (<-responses).Status)
		leave()
		for _, other := range []struct{ path, body, key string }{
			{pollPath, `{"identitySuffix":"w"}`, servertest.WriterKey},
			{"/v1/namespaces/default/task-queues/other/activities:poll", "", servertest.WriterKey},
			{pollPath, "", servertest.OwnCredentialKey},
		} {
			before := len(q.polls)
			g.Do(t, http.MethodPost, other.path, other.body, servertest.Bearer(other.key)...)
			require.Len(t, q.polls, before+1, "another caller, task queue or worker does not get its task")
		}
		require.Empty(t, q.failures())
	})
}

func TestAnAdoptedPollDoesNotProlongTheWait(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := g.Send(ctx, http.MethodPost, pollPath+"?wait=30s", "")
		require.Error(t, err)
		synctest.Wait()
		took := servertest.Elapsed(func() {
			require.Equal(t, http.StatusNoContent, g.Do(t, http.MethodPost, pollPath+"?wait=1s", "").Status)
		})
		require.LessOrEqual(t, took, 3*time.Second)
		synctest.Wait()
		require.Equal(t, 1, q.pollersNow(), "the poll goes on for the next request")
		q.tasks <- task(1)
		synctest.Wait()
		require.Len(t, q.failures(), 1)
	})
}

// pollAndStall polls for the task and reads only the status line of the response. The
// task is so large that the response does not fit into the buffers of the connection.
func pollAndStall(t *testing.T, g *servertest.Gateway, q *queue, task *workflowservice.PollActivityTaskQueueResponse) (closeConnection func()) {
	t.Helper()
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "POST %s?wait=30s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n", pollPath, servertest.WriterKey)
	require.NoError(t, err)
	synctest.Wait()
	q.tasks <- task
	line, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "200")
	return func() { require.NoError(t, conn.Close()) }
}

func largeTask(number int) *workflowservice.PollActivityTaskQueueResponse {
	large := task(number)
	large.Input = &common.Payloads{Payloads: []*common.Payload{{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"` + strings.Repeat("x", 2<<20) + `"`),
	}}}
	return large
}

func TestATaskWhoseResponseCannotBeWrittenIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(closeConnection func()){
		"the client closes the connection": func(closeConnection func()) { closeConnection() },
		"the client reads no further": func(closeConnection func()) {
			time.Sleep(time.Minute) // the write times out
			closeConnection()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
				end(pollAndStall(t, g, q, largeTask(1)))
				synctest.Wait()
				require.Len(t, q.failures(), 1)
			})
		})
	}
}

func TestATaskForWhichThereIsNoMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.BytesInFlight.Responses, cfg.Upstream.MaxResponseBytes = 3<<20, 3<<20
		}})
		synctest.Wait()
		q := newQueue(t, g)
		defer pollAndStall(t, g, q, largeTask(1))()
		q.tasks <- largeTask(2)
		resp := g.Do(t, http.MethodPost, pollPath, "")
		require.Contains(t, []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}, resp.Status)
		require.Contains(t, resp.Body, "was given back")
		synctest.Wait()
		require.Len(t, q.failures(), 1)
		require.Equal(t, "2", string(q.failures()[0].GetTaskToken()))
	})
}

func TestAGiveBackThatFailsIsRepeated(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		handler, calls := g.Upstream.Handler("RespondActivityTaskFailed"), 0
		g.Upstream.Handle("RespondActivityTaskFailed", func(ctx context.Context, request []byte) ([]byte, error) {
			if calls++; calls < 3 {
				return nil, unavailable()
			}
			return handler(ctx, request)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = g.Send(ctx, http.MethodPost, pollPath+"?wait=30s", "")
		q.tasks <- task(1)
		time.Sleep(5 * time.Second)
		require.Len(t, q.failures(), 1)
		require.Equal(t, 3, calls)
	})
}

func TestDrainEndsPollsAndLosesNoTask(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		const pollers = 5
		responses := make(chan servertest.Response, pollers)
		for range pollers {
			go func() {
				resp, _ := g.Send(t.Context(), http.MethodPost, pollPath+"?wait=50s", "")
				responses <- resp
			}()
		}
		synctest.Wait()
		time.Sleep(6 * time.Second)
		g.Stop()
		time.Sleep(5*time.Second + time.Millisecond) // the drain delay
		synctest.Wait()
		require.Equal(t, pollers, q.pollersNow())
		q.tasks <- task(1) // its client is still there
		statuses := map[int]int{}
		took := servertest.Elapsed(func() {
			for range pollers {
				statuses[(<-responses).Status]++
			}
		})
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusNoContent: pollers - 1}, statuses)
		require.LessOrEqual(t, took, 10*time.Second)
		require.NoError(t, <-g.Done)
		require.Zero(t, q.pollersNow())
		require.Empty(t, q.failures())
		require.Len(t, q.polls, 2*pollers, "no poll starts during the drain")
	})
}

func TestAShutdownAwaitsThePollsOfClientsThatHaveLeft(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		g.Stop()
		time.Sleep(4 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = g.Send(ctx, http.MethodPost, pollPath+"?wait=50s", "") // during the drain delay
		time.Sleep(8 * time.Second)
		q.tasks <- task(1)
		require.NoError(t, <-g.Done)
		require.Len(t, q.failures(), 1, "the task is given back before the process ends")
	})
}
