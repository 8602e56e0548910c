package handlers_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	addItem = `{"update":"addItem","args":[{"sku":"A-17"}],"updateId":"u-1"}`
)

// sentUpdate returns the request of the nth UpdateWorkflowExecution, from 0 on.
func sentUpdate(t *testing.T, g *servertest.Gateway, n int) *workflowservice.UpdateWorkflowExecutionRequest {
	t.Helper()
	calls := g.Upstream.Calls("UpdateWorkflowExecution")
	require.Greater(t, len(calls), n)
	request := &workflowservice.UpdateWorkflowExecutionRequest{}
	require.NoError(t, proto.Unmarshal(calls[n].Request, request))
	return request
}

func TestACompletedUpdateIsOneCall(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Complete(`{"items":1.10}`)
		a := g.Do(t, http.MethodPost, servertest.UpdatesPath+"?runId=r&firstExecutionRunId=f", addItem)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		require.JSONEq(t, `{"workflowId":"order","runId":"`+temporalfake.RunID+`","updateId":"u-1","stage":"COMPLETED","status":"COMPLETED",
			"result":{"items":1.10}}`, a.Body)
		require.Contains(t, a.Body, "1.10", "byte for byte")
		require.Empty(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"))
		require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 1)
		sent := sentUpdate(t, g, 0)
		require.Equal(t, []string{"order", "r", "f"}, []string{
			sent.GetWorkflowExecution().GetWorkflowId(), sent.GetWorkflowExecution().GetRunId(), sent.GetFirstExecutionRunId(),
		})
		require.Equal(t, temporalfake.Accepted, sent.GetWaitPolicy().GetLifecycleStage())
		require.Equal(t, "u-1", sent.GetRequest().GetMeta().GetUpdateId())
		require.Equal(t, "writer", sent.GetRequest().GetMeta().GetIdentity())
		require.Equal(t, "addItem", sent.GetRequest().GetInput().GetName())
		require.JSONEq(t, `{"sku":"A-17"}`, string(sent.GetRequest().GetInput().GetArgs().GetPayloads()[0].GetData()))
	})
}

func TestFailedAndRejectedUpdatesHaveDifferentStatuses(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} { // the outcome comes after the update is sent
		updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			end := func(do func()) {
				if later {
					time.AfterFunc(25*time.Second, do)
				} else {
					do()
				}
			}
			end(func() { f.Fail("card refused", false) })
			a := g.Do(t, http.MethodPost, servertest.UpdatesPath, addItem)
			require.Equal(t, http.StatusOK, a.Status, a.Body)
			require.Equal(t, "FAILED", a.Field(t, "status"))
			require.Contains(t, a.Field(t, "failure"), "card refused")
			require.Equal(t, http.StatusUnprocessableEntity, g.Do(t, http.MethodPost, servertest.UpdatesPath+"?failureStatus=422", addItem).Status)
			asked := g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1", "")
			require.Equal(t, http.StatusOK, asked.Status)
			require.JSONEq(t, a.Body, asked.Body)

			f.Set(temporalfake.Admitted, nil, false)
			end(func() { f.Fail("no such item", true) })
			a = g.Do(t, http.MethodPost, servertest.UpdatesPath+"?failureStatus=422", addItem)
			require.Equal(t, http.StatusUnprocessableEntity, a.Status, a.Body)
			require.Equal(t, "REJECTED", a.Field(t, "status"))
			require.Equal(t, "COMPLETED", a.Field(t, "stage"))
			require.Contains(t, a.Field(t, "failure"), "no such item")
			require.Equal(t, "update-not-found", g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1", "").Field(t, "code"))
		})
	}
}

// Another caller may send a rejected update again at any moment. Then the server
// finds that copy of it, or returns the copy's outcome.
func TestARejectionStaysOneWhileOthersSendTheSameUpdate(t *testing.T) {
	t.Parallel()
	for name, copies := range map[string][]func(*temporalfake.Update){
		"admitted":  {func(f *temporalfake.Update) { f.Set(temporalfake.Admitted, nil, false) }},
		"accepted":  {(*temporalfake.Update).Accept},
		"completed": {func(f *temporalfake.Update) { f.Complete("7") }},
		"failed":    {func(f *temporalfake.Update) { f.Fail("card refused", false) }},
		"rejected as it is found": {
			func(f *temporalfake.Update) { f.Fail("no such item", false) }, func(f *temporalfake.Update) { f.Fail("no such item", true) },
		},
		"closed": {nil},
	} {
		for _, path := range []string{servertest.UpdatesPath, withStartPath} {
			updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
				body := map[string]string{servertest.UpdatesPath: addItem, withStartPath: withStart("")}[path]
				f.Fail("no such item", true)
				var polls []upstreamtest.Handler
				for _, come := range copies {
					polls = append(polls, func(ctx context.Context, request []byte) ([]byte, error) {
						if come == nil {
							return nil, status.Error(codes.NotFound, "workflow update was aborted by closing workflow")
						}
						come(f)
						return upstreamtest.Typed(f.PollUpdate)(ctx, request)
					})
				}
				g.Upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.InTurn(polls...))
				a := g.Do(t, http.MethodPost, path+"?failureStatus=422", body)
				require.Equal(t, http.StatusUnprocessableEntity, a.Status, "%s: %s", name, a.Body)
				require.Contains(t, a.Body, `"stage":"COMPLETED","status":"REJECTED"`, name)
				require.Contains(t, a.Body, "no such item", name)
			})
		}
	}
}

// An update that fails after the gateway has seen it accepted needs no poll that
// distinguishes failed from rejected.
func TestAnAcceptedUpdateThatFailsIsNoRejection(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		time.AfterFunc(5*time.Second, func() { f.Fail("card refused", false) })
		require.Equal(t, "FAILED", g.Do(t, http.MethodPost, servertest.UpdatesPath, addItem).Field(t, "status"))
		require.Len(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"), 1)
	})
}

func TestAWaitForAcceptanceEndsWhenTheUpdateIsAccepted(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		time.AfterFunc(3*time.Second, f.Accept)
		var a servertest.Response
		took := servertest.Elapsed(func() {
			a = g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem","updateId":"a/b","waitForStage":"ACCEPTED"}`)
		})
		require.Equal(t, 3*time.Second, took)
		require.Equal(t, http.StatusAccepted, a.Status, a.Body)
		require.JSONEq(t, `{"workflowId":"order","runId":"`+temporalfake.RunID+`","updateId":"a/b","stage":"ACCEPTED"}`, a.Body)
		require.Equal(t, "1", a.Header.Get("Retry-After"))
		require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		location := a.Header.Get("Location")
		require.Equal(t, servertest.UpdatesPath+"/-?runId="+temporalfake.RunID+"&updateId=a%2Fb", location)
		f.Complete("1")
		a = g.Do(t, http.MethodGet, location, "")
		require.Equal(t, "COMPLETED", a.Field(t, "status"), a.Body)
		require.Equal(t, "a/b", a.Field(t, "updateId"))
		require.Equal(t, "1", g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem","waitForStage":"ACCEPTED"}`).Field(t, "result"),
			"an outcome that exists is returned")
	})
}

func TestTheUpdateIsSentUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		time.AfterFunc(30*time.Second, f.Accept)
		time.AfterFunc(52*time.Second, func() { f.Complete("1") })
		var a servertest.Response
		took := servertest.Elapsed(func() { a = g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem"}`) })
		require.Equal(t, 52*time.Second, took)
		require.Equal(t, "COMPLETED", a.Field(t, "status"), a.Body)
		require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Len(t, requestsOf(g.Upstream.Calls("UpdateWorkflowExecution")), 1, "all calls send the same update")
		require.Equal(t, sentUpdate(t, g, 0).GetRequest().GetMeta().GetUpdateId(), a.Field(t, "updateId"))
		require.Len(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"), 2)
	})
}

func TestAnUpdateThatNoWorkerTakesIsNotAdmitted(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{
		"": 55 * time.Second, "?wait=3s": 3 * time.Second, "?wait=0s": 2 * time.Second, "?wait=1h": 55 * time.Second,
	} {
		updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			var a servertest.Response
			took := servertest.Elapsed(func() { a = g.Do(t, http.MethodPost, servertest.UpdatesPath+query, addItem, "Request-Timeout", "1s") })
			require.Equal(t, want, took, query)
			require.Equal(t, http.StatusServiceUnavailable, a.Status, a.Body)
			require.Equal(t, "update-not-admitted", a.Field(t, "code"))
			require.Equal(t, "u-1", a.Field(t, "updateId"))
			require.Equal(t, "order", a.Field(t, "workflowId"))
			require.Equal(t, "true", a.Field(t, "retryable"))
			require.Equal(t, "1", a.Header.Get("Retry-After"))
			require.LessOrEqual(t, len(g.Upstream.Calls("UpdateWorkflowExecution")), 3)
			synctest.Wait()
			require.Zero(t, f.Polls())
		})
	}
}

func TestAnAcceptedUpdateIsPendingWhenTheWaitEnds(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		for _, how := range [][]string{{"?wait=5s"}, {"", "Prefer", "wait=5"}} {
			var a servertest.Response
			require.Equal(t, 5*time.Second, servertest.Elapsed(func() { a = g.Do(t, http.MethodPost, servertest.UpdatesPath+how[0], addItem, how[1:]...) }))
			require.Equal(t, http.StatusAccepted, a.Status, a.Body)
			require.Equal(t, "ACCEPTED", a.Field(t, "stage"))
			require.Equal(t, servertest.UpdatesPath+"/u-1?runId="+temporalfake.RunID, a.Header.Get("Location"))
		}
	})
}

func TestAnUpdateCanBePolled(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		path := servertest.UpdatesPath + "/u-1"
		a := g.Do(t, http.MethodGet, path+"?wait=30s", "", servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusNotFound, a.Status)
		require.Equal(t, "update-not-found", a.Field(t, "code"))
		require.Equal(t, []string{"order", "u-1"}, []string{a.Field(t, "workflowId"), a.Field(t, "updateId")})

		f.MarkSent()
		require.Zero(t, servertest.Elapsed(func() { a = g.Do(t, http.MethodGet, path, "", servertest.Bearer(servertest.ReaderKey)...) }))
		require.Equal(t, http.StatusAccepted, a.Status)
		require.Equal(t, "ADMITTED", a.Field(t, "stage"), "no worker has accepted it")

		time.AfterFunc(10*time.Second, f.Accept)
		require.Equal(t, 25*time.Second, servertest.Elapsed(func() { a = g.Do(t, http.MethodGet, path+"?wait=25s", "") }))
		require.Equal(t, http.StatusAccepted, a.Status)
		require.Equal(t, "ACCEPTED", a.Field(t, "stage"))

		time.AfterFunc(10*time.Second, func() { f.Complete("7") })
		require.Equal(t, 10*time.Second, servertest.Elapsed(func() { a = g.Do(t, http.MethodGet, path+"?wait=25s&runId="+temporalfake.RunID, "") }))
		require.Equal(t, http.StatusOK, a.Status)
		require.Equal(t, "7", a.Field(t, "result"))
		require.Equal(t, "7", g.Do(t, http.MethodGet, servertest.UpdatesPath+"/-?updateId=u-1", "").Field(t, "result"))
		for _, wrong := range []string{"/-", "/u-1?updateId=u-1", "/u-1?wait=x", "/u-1?failureStatus=500", "/a%00b"} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodGet, servertest.UpdatesPath+wrong, "").Status, wrong)
		}
	})
}

func TestAnUpdateThatIsRejectedWhileItIsPolled(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.MarkSent()
		time.AfterFunc(time.Second, func() { f.Fail("no", true) })
		require.Equal(t, "REJECTED", g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=9s", "").Field(t, "status"))
	})
}

// The poll lasts as long as the longest wait, whichever wait started it. A caller
// that could get another response has another poll.
func TestEqualWaitsForAnUpdateShareOnePoll(t *testing.T) {
	t.Parallel()
	updating(t, func(cfg *config.Config) { cfg.Upstream.Address = "localhost:7233" }, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.MarkSent()
		f.Accept()
		time.AfterFunc(30*time.Second, func() { f.Complete("7") })
		var waits sync.WaitGroup
		defer waits.Wait()
		ask := func(n int, method, path, body string, headers ...string) {
			for range n {
				waits.Go(func() {
					a := g.Do(t, method, path, body, headers...)
					if strings.Contains(path, "wait=5s") {
						require.Equal(t, http.StatusAccepted, a.Status, a.Body)
						return
					}
					require.Equal(t, "7", a.Field(t, "result"), a.Body)
				})
			}
			synctest.Wait()
		}
		waiting := func() int {
			polls := f.Polls()
			require.Contains(t, g.AdminText(t, "/metrics"), fmt.Sprintf("flowgate_wait_polls %d\n", polls))
			return polls
		}
		ask(1, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=5s", "")
		ask(40, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=40s", "")
		ask(40, http.MethodPost, servertest.UpdatesPath, addItem)
		require.Equal(t, 1, waiting())
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, waiting(), "the first has left")
		require.Len(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"), 41+1, "each checked for itself")
		ask(2, http.MethodGet, servertest.UpdatesPath+"/u-2?wait=40s", "")
		ask(2, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=40s", "", servertest.Bearer(servertest.OtherKey)...)
		require.Equal(t, 3, waiting())
		waits.Wait()
		require.Zero(t, waiting())
	})
}

func TestEqualWaitsForAnUpdateShareAnError(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
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
				a := g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=9s", "")
				require.Equal(t, "workflow-not-found", a.Field(t, "code"), a.Body)
				require.Equal(t, []string{"order", "u-1"}, []string{a.Field(t, "workflowId"), a.Field(t, "updateId")})
			})
		}
		waits.Wait()
	})
}

func TestDrainEndsTheWaitForAnUpdate(t *testing.T) {
	t.Parallel()
	for _, isAccepted := range []bool{false, true} {
		updating(t, servertest.WithDrain, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			if isAccepted {
				f.Accept()
			}
			time.AfterFunc(time.Second, g.Stop)
			var a servertest.Response
			require.Equal(t, 6*time.Second, servertest.Elapsed(func() { a = g.Do(t, http.MethodPost, servertest.UpdatesPath, addItem) }))
			if isAccepted {
				require.Equal(t, http.StatusAccepted, a.Status, a.Body)
				return
			}
			require.Equal(t, "update-not-admitted", a.Field(t, "code"))
			require.Equal(t, "u-1", a.Field(t, "updateId"))
		})
	}
}

func TestAWaitForAnUpdateEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		ctx, leave := context.WithTimeout(t.Context(), 3*time.Second)
		defer leave()
		_, err := g.Send(ctx, http.MethodPost, servertest.UpdatesPath, addItem)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Zero(t, f.Polls())
		require.Contains(t, g.Log.String(), "client-closed-request")
	})
}

func TestAnUpdateEndsWithinTheBudget(t *testing.T) {
	t.Parallel()
	short := func(cfg *config.Config) {
		cfg.Limits.MaxWait, cfg.Limits.RequestBudget = 20*time.Second, 21*time.Second
	}
	updating(t, short, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		f.MarkSent()
		poll := g.Upstream.Handler("PollWorkflowExecutionUpdate")
		g.Upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.InTurn(func(ctx context.Context, request []byte) ([]byte, error) {
			time.Sleep(10 * time.Second) // the look takes its share
			return poll(ctx, request)
		}, poll))
		var a servertest.Response
		require.Equal(t, 21*time.Second, servertest.Elapsed(func() { a = g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=20s", "") }))
		require.Equal(t, http.StatusAccepted, a.Status, a.Body)
	})
}

func TestAnUpdateIsRetriedAsItIs(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Complete("1")
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(
			upstreamtest.Fail(codes.Unavailable, "gone"), upstreamtest.Typed(f.UpdateWorkflow)))
		a := g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem"}`)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Len(t, requestsOf(g.Upstream.Calls("UpdateWorkflowExecution")), 1)
	})
}

// full is the error of a workflow with as many updates in flight as the server
// allows.
func full() upstreamtest.Handler {
	return upstreamtest.Fail(codes.ResourceExhausted, "limit on number of concurrent in-flight updates has been reached (10)",
		&errordetails.ResourceExhaustedFailure{Cause: enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT})
}

func TestAnUpdateOfAWorkflowAtItsLimitFailsAtOnce(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
		g.Upstream.Handle("UpdateWorkflowExecution", full())
		begin := time.Now()
		a := g.Do(t, http.MethodPost, servertest.UpdatesPath+"?wait=30s", addItem)
		require.Equal(t, http.StatusServiceUnavailable, a.Status, a.Body)
		require.Equal(t, []string{"workflow-busy", "order", "u-1", "true"}, []string{
			a.Field(t, "code"), a.Field(t, "workflowId"), a.Field(t, "updateId"), a.Field(t, "retryable"),
		})
		require.Equal(t, "1", a.Header.Get("Retry-After"))
		require.Zero(t, time.Since(begin))
	})
}

// A wait that ends while the server rejects the update does not blame the workers.
func TestAWaitThatEndsAtABusyWorkflowReportsIt(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		begin := time.Now()
		a := g.Do(t, http.MethodPost, servertest.UpdatesPath+"?wait=2s", addItem)
		require.Equal(t, []string{"workflow-busy", "u-1"}, []string{a.Field(t, "code"), a.Field(t, "updateId")})
		require.Equal(t, 2*time.Second, time.Since(begin))

		f.Accept()
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Typed(f.UpdateWorkflow))
		g.Upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		a = g.Do(t, http.MethodPost, servertest.UpdatesPath+"?wait=2s", addItem)
		require.Equal(t, http.StatusAccepted, a.Status, a.Body)
	})
}

func TestTheUpdateIDIsDerivedFromTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Complete("1")
		id := func(path, body string, headers ...string) string {
			return g.Do(t, http.MethodPost, path, body, headers...).Field(t, "updateId")
		}
		plain, key := `{"update":"addItem"}`, []string{"Idempotency-Key", "k"}
		first := id(servertest.UpdatesPath, plain, key...)
		require.Len(t, first, 65)
		require.Equal(t, first, id(servertest.UpdatesPath, plain, key...))
		ids := map[string]bool{first: true}
		for _, other := range []string{
			id(servertest.UpdatesPath, plain), id(servertest.UpdatesPath, plain), id(servertest.UpdatesPath, plain, "Idempotency-Key", "l"),
			id(servertest.UpdatesPath, `{"update":"removeItem"}`, key...), id(servertest.UpdatesPath, `{"update":"addItem","args":[1]}`, key...),
			id(servertest.UpdatesPath+"?runId=r", plain, key...), id("/v1/namespaces/default/workflows/other/updates", plain, key...),
			id(servertest.UpdatesPath, plain, append(servertest.Bearer(servertest.OtherKey), key...)...),
		} {
			require.NotContains(t, ids, other)
			ids[other] = true
		}
		require.Equal(t, "u-1", id(servertest.UpdatesPath, addItem, key...), "an explicit update id overrides the key")
		before := len(g.Upstream.Calls("UpdateWorkflowExecution"))
		const argument = `{ "b": 1.0, "a": "\u00e9\/" }`
		id(servertest.UpdatesPath, `{"update":"addItem","args":[`+argument+`]}`, key...)
		require.Equal(t, argument, string(sentUpdate(t, g, before).GetRequest().GetInput().GetArgs().GetPayloads()[0].GetData()),
			"what is hashed in another form passes byte for byte")
	})
}

func TestAnInvalidUpdateIsNotSent(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
		for body, field := range map[string]string{
			`{}`:                             "/update",
			`{"update":"a","updateId":"\t"}`: "/updateId",
			`{"update":"a","waitForStage":"ADMITTED"}`:             "/waitForStage",
			`{"update":"a","args":[1],"argPayloads":[{"json":1}]}`: "/argPayloads",
			`{"update":"a","id":"x"}`:                              "/id",
		} {
			a := g.Do(t, http.MethodPost, servertest.UpdatesPath, body)
			require.Equal(t, http.StatusBadRequest, a.Status, body)
			require.Contains(t, a.Field(t, "errors"), field)
		}
		require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodPost, servertest.UpdatesPath, addItem, servertest.Bearer(servertest.ReaderKey)...).Status)
		require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodPost, servertest.UpdatesPath+"?failureStatus=404", addItem).Status)
		require.Empty(t, g.Upstream.Calls("UpdateWorkflowExecution"))
	})
}

func TestErrorsOfAnUpdateThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for message, code := range map[string]string{
		"workflow execution already completed":            "workflow-completed",
		"workflow update was aborted by closing workflow": "workflow-completed",
		"workflow execution not found":                    "run-chain-mismatch",
		"workflow not found for ID: order":                "workflow-not-found",
	} {
		updating(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
			g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.NotFound, message))
			a := g.Do(t, http.MethodPost, servertest.UpdatesPath, addItem)
			require.Equal(t, code, a.Field(t, "code"), message)
			require.Equal(t, []string{"order", "u-1"}, []string{a.Field(t, "workflowId"), a.Field(t, "updateId")})
		})
	}
}

// A reset, for one, closes a run with updates that it has not accepted.
func TestAnUpdateContinuesInTheNextRun(t *testing.T) {
	t.Parallel()
	closing := upstreamtest.Fail(codes.NotFound, "workflow update was aborted by closing workflow")
	for _, ended := range []bool{false, true} {
		updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			f.Complete("1")
			next := upstreamtest.Typed(f.UpdateWorkflow)
			if ended {
				next = upstreamtest.Fail(codes.NotFound, "workflow execution already completed")
			}
			g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(closing, closing, next))
			var a servertest.Response
			took := servertest.Elapsed(func() { a = g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem"}`) })
			require.NotZero(t, took, "there is a pause between the calls")
			require.Less(t, took, 2*time.Second)
			if ended {
				require.Equal(t, "workflow-completed", a.Field(t, "code"), a.Body)
			} else {
				require.Equal(t, "1", a.Field(t, "result"), a.Body)
			}
			require.Len(t, requestsOf(g.Upstream.Calls("UpdateWorkflowExecution")), 1, "all calls send the same update")

			g.Upstream.Handle("UpdateWorkflowExecution", closing)
			a = g.Do(t, http.MethodPost, servertest.UpdatesPath+"?runId=r", addItem)
			require.Equal(t, "workflow-completed", a.Field(t, "code"), "that run has")
			require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 4)
		})
	}
}

func TestTheLocationOfAnUpdateKeepsItsFailureStatus(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		for _, request := range [][]string{
			{http.MethodPost, servertest.UpdatesPath + "?wait=1s&", addItem},
			{http.MethodPost, withStartPath + "?wait=1s&", withStart("")},
			{http.MethodGet, servertest.UpdatesPath + "/u-1?", ""},
		} {
			f.Accept()
			a := g.Do(t, request[0], request[1]+"failureStatus=422", request[2])
			require.Equal(t, http.StatusAccepted, a.Status, a.Body)
			require.Equal(t, servertest.UpdatesPath+"/u-1?failureStatus=422&runId="+temporalfake.RunID, a.Header.Get("Location"))
			f.Fail("card refused", false)
			require.Equal(t, http.StatusUnprocessableEntity, g.Do(t, http.MethodGet, a.Header.Get("Location"), "").Status)
		}
	})
}

func TestADelegatedTokenSendsAndPollsItsUpdates(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		a := g.Do(t, http.MethodPost, "/v1/namespaces/default/workflows/order/tokens", `{"updates":["addItem"]}`)
		token := servertest.Bearer(a.Field(t, "token"))
		f.Fail("no", true)
		require.Equal(t, "REJECTED", g.Do(t, http.MethodPost, servertest.UpdatesPath, addItem, token...).Field(t, "status"))
		f.Complete("1")
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, servertest.UpdatesPath, addItem, token...).Status)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1", "", token...).Status)
		for path, body := range map[string]string{
			servertest.UpdatesPath:                             `{"update":"setAddress"}`,
			"/v1/namespaces/default/workflows/other/updates":   addItem,
			"/v1/namespaces/default/workflows:updateWithStart": withStart(""),
		} {
			require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodPost, path, body, token...).Status, path)
		}
		require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows/other/updates/u-1", "", token...).Status)
	})
}

// requestsOf returns the distinct requests of the calls.
func requestsOf(calls []upstreamtest.Call) []string {
	var requests []string
	for _, call := range calls {
		if !slices.Contains(requests, string(call.Request)) {
			requests = append(requests, string(call.Request))
		}
	}
	return requests
}
