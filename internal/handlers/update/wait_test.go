package update_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestAWaitForAcceptanceEndsWhenTheUpdateIsAccepted(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		time.AfterFunc(3*time.Second, f.Accept)
		var resp servertest.Response
		took := servertest.Elapsed(func() {
			resp = g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem","updateId":"a/b","waitForStage":"ACCEPTED"}`)
		})
		require.Equal(t, 3*time.Second, took)
		require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
		require.JSONEq(t, `{"workflowId":"order","runId":"`+temporalfake.RunID+`","updateId":"a/b","stage":"ACCEPTED"}`, resp.Body)
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		location := resp.Header.Get("Location")
		require.Equal(t, servertest.UpdatesPath+"/-?runId="+temporalfake.RunID+"&updateId=a%2Fb", location)
		f.Complete("1")
		resp = g.Do(t, http.MethodGet, location, "")
		require.Equal(t, "COMPLETED", resp.Field(t, "status"), resp.Body)
		require.Equal(t, "a/b", resp.Field(t, "updateId"))
		require.Equal(t, "1", g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem","waitForStage":"ACCEPTED"}`).Field(t, "result"),
			"an outcome that exists is returned")
	})
}

func TestTheUpdateIsSentAgainUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		time.AfterFunc(30*time.Second, f.Accept)
		time.AfterFunc(52*time.Second, func() { f.Complete("1") })
		var resp servertest.Response
		took := servertest.Elapsed(func() { resp = g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem"}`) })
		require.Equal(t, 52*time.Second, took)
		require.Equal(t, "COMPLETED", resp.Field(t, "status"), resp.Body)
		require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Len(t, distinctRequests(g.Upstream.Calls("UpdateWorkflowExecution")), 1, "all calls send the same update")
		require.Equal(t, sentUpdate(t, g, 0).GetRequest().GetMeta().GetUpdateId(), resp.Field(t, "updateId"))
		require.Len(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"), 2)
	})
}

func TestAnUpdateThatNoWorkerAcceptsIsNotAdmitted(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{ // how long the request waits
		"": 55 * time.Second, "?wait=3s": 3 * time.Second, "?wait=0s": 2 * time.Second, "?wait=1h": 55 * time.Second,
	} {
		withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			var resp servertest.Response
			took := servertest.Elapsed(func() {
				resp = g.Do(t, http.MethodPost, servertest.UpdatesPath+query, handlerstest.AddItemBody, "Request-Timeout", "1s")
			})
			require.Equal(t, want, took, query)
			require.Equal(t, http.StatusServiceUnavailable, resp.Status, resp.Body)
			require.Equal(t, "update-not-admitted", resp.Field(t, "code"))
			require.Equal(t, "u-1", resp.Field(t, "updateId"))
			require.Equal(t, "order", resp.Field(t, "workflowId"))
			require.Equal(t, "true", resp.Field(t, "retryable"))
			require.Equal(t, "1", resp.Header.Get("Retry-After"))
			require.LessOrEqual(t, len(g.Upstream.Calls("UpdateWorkflowExecution")), 3)
			synctest.Wait()
			require.Zero(t, f.Polls())
		})
	}
}

func TestAnAcceptedUpdateIsPendingWhenTheWaitEnds(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		for _, wait := range []struct {
			query   string
			headers []string
		}{{"?wait=5s", nil}, {"", []string{"Prefer", "wait=5"}}} {
			var resp servertest.Response
			require.Equal(t, 5*time.Second, servertest.Elapsed(func() {
				resp = g.Do(t, http.MethodPost, servertest.UpdatesPath+wait.query, handlerstest.AddItemBody, wait.headers...)
			}))
			require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
			require.Equal(t, "ACCEPTED", resp.Field(t, "stage"))
			require.Equal(t, servertest.UpdatesPath+"/u-1?runId="+temporalfake.RunID, resp.Header.Get("Location"))
		}
	})
}

func TestDrainEndsTheWaitForAnUpdate(t *testing.T) {
	t.Parallel()
	for _, isAccepted := range []bool{false, true} {
		withUpdate(t, servertest.WithDrain, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			if isAccepted {
				f.Accept()
			}
			time.AfterFunc(time.Second, g.Stop)
			var resp servertest.Response
			require.Equal(t, 6*time.Second, servertest.Elapsed(func() { resp = g.Do(t, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody) }))
			if isAccepted {
				require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
				return
			}
			require.Equal(t, "update-not-admitted", resp.Field(t, "code"))
			require.Equal(t, "u-1", resp.Field(t, "updateId"))
		})
	}
}

func TestAWaitForAnUpdateEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		ctx, leave := context.WithTimeout(t.Context(), 3*time.Second)
		defer leave()
		_, err := g.Send(ctx, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Zero(t, f.Polls())
		require.Contains(t, g.Log.String(), "client-closed-request")
	})
}

func TestAWaitForAnUpdateEndsWithinTheRequestBudget(t *testing.T) {
	t.Parallel()
	short := func(cfg *config.Config) {
		cfg.Limits.MaxWait, cfg.Limits.RequestBudget = 20*time.Second, 21*time.Second
	}
	withUpdate(t, short, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		f.MarkSent()
		poll := g.Upstream.Handler("PollWorkflowExecutionUpdate")
		g.Upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.InTurn(func(ctx context.Context, request []byte) ([]byte, error) {
			time.Sleep(10 * time.Second) // the read before the wait uses part of the budget
			return poll(ctx, request)
		}, poll))
		var resp servertest.Response
		require.Equal(t, 21*time.Second, servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=20s", "") }))
		require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
	})
}
