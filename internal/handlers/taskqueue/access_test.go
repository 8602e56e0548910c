package taskqueue_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func unavailable() error { return status.Error(codes.Unavailable, "down") }

// withLimitedKey adds limitedKey, whose only task queue is "orders".
func withLimitedKey(t *testing.T) func(*config.Config) {
	t.Helper()
	return func(cfg *config.Config) {
		keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
		require.NoError(t, err)
		// The hash is that of the writer's secret.
		line := strings.SplitN(string(keys), "\n", 3)[1]
		entry := strings.Replace(line, "id: writer", "id: limited, taskQueues: [orders]", 1) + "\n"
		require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, append(keys, entry...), 0o600))
	}
}

var limitedKey = strings.Replace(servertest.WriterKey, "writer", "limited", 1) //nolint:gochecknoglobals // a constant

func TestWhoMayPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: withLimitedKey(t)})
		synctest.Wait()
		q := newQueue(t, g)
		temporalfake.NewWorkflow(g.Upstream)
		token := g.CreateDelegatedToken(t, `{"read":true,"signals":["approve"],"updates":["add"]}`)
		poll := func(namespace, queue, key string) servertest.Response {
			before := len(g.Upstream.Calls("PollActivityTaskQueue"))
			resp := g.Do(t, http.MethodPost, "/v1/namespaces/"+namespace+"/task-queues/"+queue+"/activities:poll", "", servertest.Bearer(key)...)
			if resp.Status >= http.StatusBadRequest {
				require.Len(t, g.Upstream.Calls("PollActivityTaskQueue"), before, "no upstream call")
			}
			return resp
		}
		for _, denied := range []struct{ namespace, queue, key, code string }{
			{"default", "orders", servertest.ReaderKey, "operation-forbidden"},
			{"default", "orders", token, "operation-forbidden"},
			{"default", "other", limitedKey, "operation-forbidden"},
			{"elsewhere", "orders", servertest.WriterKey, "namespace-forbidden"},
		} {
			resp := poll(denied.namespace, denied.queue, denied.key)
			require.Equal(t, []any{http.StatusForbidden, denied.code}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
		}
		require.Equal(t, http.StatusNoContent, poll("default", "orders", limitedKey).Status)
		q.tasks <- task(1)
		require.Equal(t, http.StatusOK, poll("default", "orders", limitedKey).Status)
		for key, want := range map[string]int{servertest.ReaderKey: http.StatusOK, token: http.StatusForbidden, limitedKey: http.StatusOK} {
			g.Upstream.Handle("DescribeTaskQueue", upstreamtest.Respond(&workflowservice.DescribeTaskQueueResponse{}))
			require.Equal(t, want, g.Do(t, http.MethodGet, queuePath, "", servertest.Bearer(key)...).Status)
		}
	})
}

func TestAPollIsAuditedIfItGetsATaskOrIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: withLimitedKey(t)})
		synctest.Wait()
		q := newQueue(t, g)
		const other = "/v1/namespaces/default/task-queues/other/activities:poll"
		charge := task(1)
		charge.TaskToken = []byte("\n\x02id2\x06charge") // namespace_id and activity_id
		audit := func() (lines []string) {
			for line := range strings.Lines(g.Log.String()) {
				if !strings.Contains(line, `"msg":"audit"`) {
					continue
				}
				_, members, _ := strings.Cut(line, `"principal"`)
				lines = append(lines, `"principal"`+members)
			}
			return lines
		}
		require.Equal(t, http.StatusNoContent, g.Do(t, http.MethodPost, pollPath, "").Status)
		require.Empty(t, audit(), "a poll without a task changes nothing")
		refused := g.Do(t, http.MethodPost, other, "", servertest.Bearer(limitedKey)...)
		denied := g.Do(t, http.MethodPost, pollPath, "", servertest.Bearer(servertest.ReaderKey)...)
		q.tasks <- charge
		received := g.Do(t, http.MethodPost, pollPath, "", servertest.Bearer(limitedKey)...)
		synctest.Wait()
		lines := audit()
		require.Len(t, lines, 3)
		for i, want := range []struct {
			resource, outcome string
			response          servertest.Response
		}{{"other", "operation-forbidden", refused}, {"", "operation-forbidden", denied}, {"charge", "ok", received}} {
			require.Contains(t, lines[i], `"rpc":"PollActivityTaskQueue"`)
			require.Contains(t, lines[i], `"outcome":"`+want.outcome+`","requestId":"`+want.response.Header.Get("X-Request-Id")+`"`)
			if want.resource == "charge" {
				require.Contains(t, lines[i], `"resource":"charge"`)
			}
		}
	})
}

func TestAGiveBackIsAuditedWithTheRequestID(t *testing.T) {
	t.Parallel()
	withQueue(t, func(t *testing.T, g *servertest.Gateway, q *queue) {
		g.Upstream.Handle("DescribeNamespace", upstreamtest.Respond(&workflowservice.DescribeNamespaceResponse{
			NamespaceInfo: &namespace.NamespaceInfo{Name: "default", Id: "id"},
		}))
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		_, err := g.Send(ctx, http.MethodPost, pollPath+"?wait=30s", "", "X-Request-Id", "request-7")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		charge := task(1)
		charge.TaskToken = []byte("\n\x02id2\x06charge")
		q.tasks <- charge
		synctest.Wait()
		require.Len(t, q.failures(), 1)
		require.Regexp(t, `"rpc":"RespondActivityTaskFailed","resource":"charge","outcome":"ok","requestId":"request-7"`, g.Log.String())
	})
}

func TestInvalidPollsMakeNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		newQueue(t, g)
		long := strings.Repeat("x", 201)
		for _, invalid := range []struct{ path, body, pointer string }{
			{pollPath + "?wait=soon", "", "?wait"},
			{pollPath + "?taskQueue=a", "", "?taskQueue"},
			{"/v1/namespaces/default/task-queues/-/activities:poll", "", "?taskQueue"},
			{"/v1/namespaces/default/task-queues/%2F_sys%2Forders%2F1/activities:poll", "", "taskQueue"},
			{"/v1/namespaces/default/task-queues/temporal-sys-per-ns-tq/activities:poll", "", "taskQueue"},
			{"/v1/namespaces/default/task-queues/" + strings.Repeat("q", 1001) + "/activities:poll", "", "taskQueue"},
			{pollPath, `{"identitySuffix":"` + long + `"}`, "/identitySuffix"},
			{pollPath, `{"identitySuffix":"a\u0000b"}`, "/identitySuffix"},
			{pollPath, `{"deploymentName":"d"}`, "/buildId"},
			{pollPath, `{"buildId":"b"}`, "/deploymentName"},
			{pollPath, `{"buildId":"b","deploymentName":"a.b"}`, "/deploymentName"},
			{pollPath, `{"buildId":"b","deploymentName":"a:b"}`, "/deploymentName"},
			{pollPath, `{"buildId":"__b","deploymentName":"a"}`, "/buildId"},
			{pollPath, `{"buildId":"` + long + `","deploymentName":"a"}`, "/buildId"},
			{pollPath, `{"maxTasksPerSecond":0}`, "/maxTasksPerSecond"},
			{pollPath, `{"maxTasksPerSecond":-1}`, "/maxTasksPerSecond"},
			{pollPath, `{"maxTasks":1}`, "/maxTasks"},
		} {
			resp := g.Do(t, http.MethodPost, invalid.path, invalid.body)
			require.Equal(t, http.StatusBadRequest, resp.Status, "%+v: %s", invalid, resp.Body)
			require.Contains(t, resp.Body, `"pointer":"`+invalid.pointer+`"`, "%+v", invalid)
		}
		require.Zero(t, g.UpstreamCalls())
	})
}

func TestPollsHaveAPoolOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.InFlight = config.InFlight{Reads: 1, Writes: 1, Waits: 1, Polls: 2, CallerShare: 1, QueueTime: time.Second}
		}})
		synctest.Wait()
		q := newQueue(t, g)
		responses := make(chan servertest.Response, 2)
		for range 2 {
			go func() {
				resp, _ := g.Send(t.Context(), http.MethodPost, pollPath+"?wait=20s", "")
				responses <- resp
			}()
		}
		synctest.Wait()
		resp := g.Do(t, http.MethodPost, pollPath, "")
		require.Equal(t, []any{http.StatusServiceUnavailable, "overloaded"}, []any{resp.Status, resp.Field(t, "code")})
		temporalfake.NewWorkflow(g.Upstream)
		require.Equal(t, http.StatusAccepted, g.Do(t, http.MethodGet, servertest.ResultPath+"?wait=1s", "").Status, "waits and writes have slots of their own")
		q.tasks <- task(1)
		q.tasks <- task(2)
		for range 2 {
			require.Equal(t, http.StatusOK, (<-responses).Status)
		}
		synctest.Wait()
		require.Equal(t, "0", g.InFlight(t)[`flowgate_in_flight{kind="poll"}`])
	})
}

func TestAnErrorOfAPollIsReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait()
		g.Upstream.Handle("PollActivityTaskQueue", func(context.Context, []byte) ([]byte, error) { return nil, unavailable() })
		resp := g.Do(t, http.MethodPost, pollPath+"?wait=20s", "")
		require.Equal(t, []any{http.StatusGatewayTimeout, "upstream-unavailable"}, []any{resp.Status, resp.Field(t, "code")})
		require.Len(t, g.Upstream.Calls("PollActivityTaskQueue"), 1)
	})
}
