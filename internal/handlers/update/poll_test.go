package update_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestAnUpdateCanBePolled(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		path := servertest.UpdatesPath + "/u-1"
		resp := g.Do(t, http.MethodGet, path+"?wait=30s", "", servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusNotFound, resp.Status)
		require.Equal(t, "update-not-found", resp.Field(t, "code"))
		require.Equal(t, []string{"order", "u-1"}, []string{resp.Field(t, "workflowId"), resp.Field(t, "updateId")})

		f.MarkSent()
		require.Zero(t, servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, path, "", servertest.Bearer(servertest.ReaderKey)...) }))
		require.Equal(t, http.StatusAccepted, resp.Status)
		require.Equal(t, "ADMITTED", resp.Field(t, "stage"), "no worker has accepted it")

		time.AfterFunc(10*time.Second, f.Accept)
		require.Equal(t, 25*time.Second, servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, path+"?wait=25s", "") }))
		require.Equal(t, http.StatusAccepted, resp.Status)
		require.Equal(t, "ACCEPTED", resp.Field(t, "stage"))

		time.AfterFunc(10*time.Second, func() { f.Complete("7") })
		require.Equal(t, 10*time.Second, servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, path+"?wait=25s&runId="+temporalfake.RunID, "") }))
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, "7", resp.Field(t, "result"))
		require.Equal(t, "7", g.Do(t, http.MethodGet, servertest.UpdatesPath+"/-?updateId=u-1", "").Field(t, "result"))
		for _, wrong := range []string{"/-", "/u-1?updateId=u-1", "/u-1?wait=x", "/u-1?failureStatus=500", "/a%00b"} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodGet, servertest.UpdatesPath+wrong, "").Status, wrong)
		}
	})
}

// A shared poll lasts as long as its longest wait, even if a shorter wait started it. Waits
// for another update, or with another upstream credential, do not share it.
func TestEqualWaitsForAnUpdateShareOnePoll(t *testing.T) {
	t.Parallel()
	withUpdate(t, func(cfg *config.Config) { cfg.Upstream.Address = "localhost:7233" }, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.MarkSent()
		f.Accept()
		time.AfterFunc(30*time.Second, func() { f.Complete("7") })
		var waits sync.WaitGroup
		defer waits.Wait()
		startRequests := func(n int, method, path, body string, headers ...string) {
			for range n {
				waits.Go(func() {
					resp := g.Do(t, method, path, body, headers...)
					if strings.Contains(path, "wait=5s") {
						require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
						return
					}
					require.Equal(t, "7", resp.Field(t, "result"), resp.Body)
				})
			}
			synctest.Wait()
		}
		openPolls := func() int {
			polls := f.Polls()
			require.Contains(t, g.AdminText(t, "/metrics"), fmt.Sprintf("flowgate_wait_polls %d\n", polls))
			return polls
		}
		startRequests(1, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=5s", "")
		startRequests(40, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=40s", "")
		startRequests(40, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody)
		require.Equal(t, 1, openPolls())
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, openPolls(), "the wait that started the poll has ended")
		require.Len(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"), 41+1, "a read for each GET, and the shared poll")
		startRequests(2, http.MethodGet, servertest.UpdatesPath+"/u-2?wait=40s", "")
		startRequests(2, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=40s", "", servertest.Bearer(servertest.OwnCredentialKey)...)
		require.Equal(t, 3, openPolls())
		waits.Wait()
		require.Zero(t, openPolls())
	})
}

func TestEqualWaitsForAnUpdateShareAnError(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.MarkSent()
		g.Upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.Typed(func(
			ctx context.Context, r *workflowservice.PollWorkflowExecutionUpdateRequest,
		) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
			if r.GetWaitPolicy().GetLifecycleStage() == temporalfake.Accepted {
				time.Sleep(time.Second)
				return nil, status.Error(codes.NotFound, "workflow not found for ID: order")
			}
			return f.PollUpdate(ctx, r)
		}))
		var waits sync.WaitGroup
		for range 10 {
			waits.Go(func() {
				resp := g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=9s", "")
				require.Equal(t, "workflow-not-found", resp.Field(t, "code"), resp.Body)
				require.Equal(t, []string{"order", "u-1"}, []string{resp.Field(t, "workflowId"), resp.Field(t, "updateId")})
			})
		}
		waits.Wait()
	})
}
