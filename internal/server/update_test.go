package server_test

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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const (
	addItem = `{"update":"addItem","args":[{"sku":"A-17"}],"updateId":"u-1"}`
)

// sentUpdate gives the request of the nth UpdateWorkflowExecution.
func sentUpdate(t *testing.T, g *gateway, n int) *workflowservice.UpdateWorkflowExecutionRequest {
	t.Helper()
	calls := g.upstream.Calls("UpdateWorkflowExecution")
	require.Greater(t, len(calls), n)
	request := &workflowservice.UpdateWorkflowExecutionRequest{}
	require.NoError(t, proto.Unmarshal(calls[n].Request, request))
	return request
}

func TestACompletedUpdateIsOneCall(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.complete(`{"items":1.10}`)
		a := g.do(t, http.MethodPost, updatesPath+"?runId=r&firstExecutionRunId=f", addItem)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.JSONEq(t, `{"workflowId":"order","runId":"`+runID+`","updateId":"u-1","stage":"COMPLETED","status":"COMPLETED",
			"result":{"items":1.10}}`, a.body)
		require.Contains(t, a.body, "1.10", "byte for byte")
		require.Empty(t, g.upstream.Calls("PollWorkflowExecutionUpdate"))
		require.Len(t, g.upstream.Calls("UpdateWorkflowExecution"), 1)
		sent := sentUpdate(t, g, 0)
		require.Equal(t, []string{"order", "r", "f"}, []string{
			sent.GetWorkflowExecution().GetWorkflowId(), sent.GetWorkflowExecution().GetRunId(), sent.GetFirstExecutionRunId(),
		})
		require.Equal(t, accepted, sent.GetWaitPolicy().GetLifecycleStage())
		require.Equal(t, "u-1", sent.GetRequest().GetMeta().GetUpdateId())
		require.Equal(t, "writer", sent.GetRequest().GetMeta().GetIdentity())
		require.Equal(t, "addItem", sent.GetRequest().GetInput().GetName())
		require.JSONEq(t, `{"sku":"A-17"}`, string(sent.GetRequest().GetInput().GetArgs().GetPayloads()[0].GetData()))
	})
}

func TestAFailedAndARejectedUpdateAreToldApart(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} { // than the update is sent
		updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
			end := func(do func()) {
				if later {
					time.AfterFunc(25*time.Second, do)
				} else {
					do()
				}
			}
			end(func() { f.fail("card refused", false) })
			a := g.do(t, http.MethodPost, updatesPath, addItem)
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Equal(t, "FAILED", a.field(t, "status"))
			require.Contains(t, a.field(t, "failure"), "card refused")
			require.Equal(t, http.StatusUnprocessableEntity, g.do(t, http.MethodPost, updatesPath+"?failureStatus=422", addItem).status)
			asked := g.do(t, http.MethodGet, updatesPath+"/u-1", "")
			require.Equal(t, http.StatusOK, asked.status)
			require.JSONEq(t, a.body, asked.body)

			f.come(admitted, nil, false)
			end(func() { f.fail("no such item", true) })
			a = g.do(t, http.MethodPost, updatesPath+"?failureStatus=422", addItem)
			require.Equal(t, http.StatusUnprocessableEntity, a.status, a.body)
			require.Equal(t, "REJECTED", a.field(t, "status"))
			require.Equal(t, "COMPLETED", a.field(t, "stage"))
			require.Contains(t, a.field(t, "failure"), "no such item")
			require.Equal(t, "update-not-found", g.do(t, http.MethodGet, updatesPath+"/u-1", "").field(t, "code"))
		})
	}
}

// Somebody may send a rejected update again at any moment: then the server finds
// their copy of it, or tells that copy's outcome.
func TestARejectionStaysOneWhileOthersSendTheSameUpdate(t *testing.T) {
	t.Parallel()
	for name, copies := range map[string][]func(*fakeUpdate){
		"admitted":  {func(f *fakeUpdate) { f.come(admitted, nil, false) }},
		"accepted":  {(*fakeUpdate).accept},
		"completed": {func(f *fakeUpdate) { f.complete("7") }},
		"failed":    {func(f *fakeUpdate) { f.fail("card refused", false) }},
		"rejected as it is found": {
			func(f *fakeUpdate) { f.fail("no such item", false) }, func(f *fakeUpdate) { f.fail("no such item", true) },
		},
		"closed": {nil},
	} {
		for _, path := range []string{updatesPath, withStartPath} {
			updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
				body := map[string]string{updatesPath: addItem, withStartPath: withStart("")}[path]
				f.fail("no such item", true)
				var polls []upstreamtest.Handler
				for _, come := range copies {
					polls = append(polls, func(ctx context.Context, request []byte) ([]byte, error) {
						if come == nil {
							return nil, status.Error(codes.NotFound, "workflow update was aborted by closing workflow")
						}
						come(f)
						return upstreamtest.Typed(f.poll)(ctx, request)
					})
				}
				g.upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.InTurn(polls...))
				a := g.do(t, http.MethodPost, path+"?failureStatus=422", body)
				require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s: %s", name, a.body)
				require.Contains(t, a.body, `"stage":"COMPLETED","status":"REJECTED"`, name)
				require.Contains(t, a.body, "no such item", name)
			})
		}
	}
}

// An update that fails after it was seen to be accepted needs no second look.
func TestAnAcceptedUpdateThatFailsIsNoRejection(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.accept()
		time.AfterFunc(5*time.Second, func() { f.fail("card refused", false) })
		require.Equal(t, "FAILED", g.do(t, http.MethodPost, updatesPath, addItem).field(t, "status"))
		require.Len(t, g.upstream.Calls("PollWorkflowExecutionUpdate"), 1)
	})
}

func TestWhoWantsAcceptanceWaitsForNoMore(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		time.AfterFunc(3*time.Second, f.accept)
		var a answered
		took := elapsed(func() {
			a = g.do(t, http.MethodPost, updatesPath, `{"update":"addItem","updateId":"a/b","waitForStage":"ACCEPTED"}`)
		})
		require.Equal(t, 3*time.Second, took)
		require.Equal(t, http.StatusAccepted, a.status, a.body)
		require.JSONEq(t, `{"workflowId":"order","runId":"`+runID+`","updateId":"a/b","stage":"ACCEPTED"}`, a.body)
		require.Equal(t, "1", a.header.Get("Retry-After"))
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		location := a.header.Get("Location")
		require.Equal(t, updatesPath+"/-?runId="+runID+"&updateId=a%2Fb", location)
		f.complete("1")
		a = g.do(t, http.MethodGet, location, "")
		require.Equal(t, "COMPLETED", a.field(t, "status"), a.body)
		require.Equal(t, "a/b", a.field(t, "updateId"))
		require.Equal(t, "1", g.do(t, http.MethodPost, updatesPath, `{"update":"addItem","waitForStage":"ACCEPTED"}`).field(t, "result"),
			"an outcome that is there is told")
	})
}

func TestTheUpdateIsSentUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		time.AfterFunc(30*time.Second, f.accept)
		time.AfterFunc(52*time.Second, func() { f.complete("1") })
		var a answered
		took := elapsed(func() { a = g.do(t, http.MethodPost, updatesPath, `{"update":"addItem"}`) })
		require.Equal(t, 52*time.Second, took)
		require.Equal(t, "COMPLETED", a.field(t, "status"), a.body)
		require.Len(t, g.upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Len(t, requestsOf(g.upstream.Calls("UpdateWorkflowExecution")), 1, "it is the same update")
		require.Equal(t, sentUpdate(t, g, 0).GetRequest().GetMeta().GetUpdateId(), a.field(t, "updateId"))
		require.Len(t, g.upstream.Calls("PollWorkflowExecutionUpdate"), 2)
	})
}

func TestAnUpdateThatNoWorkerTakesIsNotAdmitted(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{
		"": 55 * time.Second, "?wait=3s": 3 * time.Second, "?wait=0s": 2 * time.Second, "?wait=1h": 55 * time.Second,
	} {
		updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
			var a answered
			took := elapsed(func() { a = g.do(t, http.MethodPost, updatesPath+query, addItem, "Request-Timeout", "1s") })
			require.Equal(t, want, took, query)
			require.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
			require.Equal(t, "update-not-admitted", a.field(t, "code"))
			require.Equal(t, "u-1", a.field(t, "updateId"))
			require.Equal(t, "order", a.field(t, "workflowId"))
			require.Equal(t, "true", a.field(t, "retryable"))
			require.Equal(t, "1", a.header.Get("Retry-After"))
			require.LessOrEqual(t, len(g.upstream.Calls("UpdateWorkflowExecution")), 3)
			synctest.Wait()
			require.Zero(t, f.waiters())
		})
	}
}

func TestAnAcceptedUpdateIsPendingWhenTheWaitEnds(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.accept()
		for _, how := range [][]string{{"?wait=5s"}, {"", "Prefer", "wait=5"}} {
			var a answered
			require.Equal(t, 5*time.Second, elapsed(func() { a = g.do(t, http.MethodPost, updatesPath+how[0], addItem, how[1:]...) }))
			require.Equal(t, http.StatusAccepted, a.status, a.body)
			require.Equal(t, "ACCEPTED", a.field(t, "stage"))
			require.Equal(t, updatesPath+"/u-1?runId="+runID, a.header.Get("Location"))
		}
	})
}

func TestAnUpdateIsAskedFor(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		path := updatesPath + "/u-1"
		a := g.do(t, http.MethodGet, path+"?wait=30s", "", bearer(readerKey)...)
		require.Equal(t, http.StatusNotFound, a.status)
		require.Equal(t, "update-not-found", a.field(t, "code"))
		require.Equal(t, []string{"order", "u-1"}, []string{a.field(t, "workflowId"), a.field(t, "updateId")})

		f.sent = true
		require.Zero(t, elapsed(func() { a = g.do(t, http.MethodGet, path, "", bearer(readerKey)...) }))
		require.Equal(t, http.StatusAccepted, a.status)
		require.Equal(t, "ADMITTED", a.field(t, "stage"), "no worker has taken it")

		time.AfterFunc(10*time.Second, f.accept)
		require.Equal(t, 25*time.Second, elapsed(func() { a = g.do(t, http.MethodGet, path+"?wait=25s", "") }))
		require.Equal(t, http.StatusAccepted, a.status)
		require.Equal(t, "ACCEPTED", a.field(t, "stage"))

		time.AfterFunc(10*time.Second, func() { f.complete("7") })
		require.Equal(t, 10*time.Second, elapsed(func() { a = g.do(t, http.MethodGet, path+"?wait=25s&runId="+runID, "") }))
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "7", a.field(t, "result"))
		require.Equal(t, "7", g.do(t, http.MethodGet, updatesPath+"/-?updateId=u-1", "").field(t, "result"))
		for _, wrong := range []string{"/-", "/u-1?updateId=u-1", "/u-1?wait=x", "/u-1?failureStatus=500", "/a%00b"} {
			require.Equal(t, http.StatusBadRequest, g.do(t, http.MethodGet, updatesPath+wrong, "").status, wrong)
		}
	})
}

func TestAnUpdateThatIsRejectedWhileItIsAskedFor(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.sent = true
		time.AfterFunc(time.Second, func() { f.fail("no", true) })
		require.Equal(t, "REJECTED", g.do(t, http.MethodGet, updatesPath+"/u-1?wait=9s", "").field(t, "status"))
	})
}

// The most patient caller has the poll, whoever began it; and who would be told
// something else has another.
func TestEqualWaitsForAnUpdateShareOnePoll(t *testing.T) {
	t.Parallel()
	updating(t, func(cfg *config.Config) { cfg.Upstream.Address = "localhost:7233" }, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.sent = true
		f.accept()
		time.AfterFunc(30*time.Second, func() { f.complete("7") })
		var waits sync.WaitGroup
		defer waits.Wait()
		ask := func(n int, method, path, body string, headers ...string) {
			for range n {
				waits.Go(func() {
					a := g.do(t, method, path, body, headers...)
					if strings.Contains(path, "wait=5s") {
						require.Equal(t, http.StatusAccepted, a.status, a.body)
						return
					}
					require.Equal(t, "7", a.field(t, "result"), a.body)
				})
			}
			synctest.Wait()
		}
		waiting := func() int {
			polls := f.waiters()
			require.Contains(t, g.adminText(t, "/metrics"), fmt.Sprintf("flowgate_wait_polls %d\n", polls))
			return polls
		}
		ask(1, http.MethodGet, updatesPath+"/u-1?wait=5s", "")
		ask(40, http.MethodGet, updatesPath+"/u-1?wait=40s", "")
		ask(40, http.MethodPost, updatesPath, addItem)
		require.Equal(t, 1, waiting())
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, waiting(), "the first has left")
		require.Len(t, g.upstream.Calls("PollWorkflowExecutionUpdate"), 41+1, "each looked for itself")
		ask(2, http.MethodGet, updatesPath+"/u-2?wait=40s", "")
		ask(2, http.MethodGet, updatesPath+"/u-1?wait=40s", "", bearer(otherKey)...)
		require.Equal(t, 3, waiting())
		waits.Wait()
		require.Zero(t, waiting())
	})
}

func TestEqualWaitsForAnUpdateShareAnError(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.sent = true
		g.upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.Typed(func(
			ctx context.Context, r *workflowservice.PollWorkflowExecutionUpdateRequest,
		) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
			if r.GetWaitPolicy().GetLifecycleStage() == accepted {
				time.Sleep(time.Second)
				return nil, status.Error(codes.NotFound, "workflow not found for ID: order")
			}
			return f.poll(ctx, r)
		}))
		var waits sync.WaitGroup
		for range 10 {
			waits.Go(func() {
				a := g.do(t, http.MethodGet, updatesPath+"/u-1?wait=9s", "")
				require.Equal(t, "workflow-not-found", a.field(t, "code"), a.body)
				require.Equal(t, []string{"order", "u-1"}, []string{a.field(t, "workflowId"), a.field(t, "updateId")})
			})
		}
		waits.Wait()
	})
}

func TestDrainEndsTheWaitForAnUpdate(t *testing.T) {
	t.Parallel()
	for _, isAccepted := range []bool{false, true} {
		updating(t, drainConfig, func(t *testing.T, g *gateway, f *fakeUpdate) {
			if isAccepted {
				f.accept()
			}
			time.AfterFunc(time.Second, g.stop)
			var a answered
			require.Equal(t, 6*time.Second, elapsed(func() { a = g.do(t, http.MethodPost, updatesPath, addItem) }))
			if isAccepted {
				require.Equal(t, http.StatusAccepted, a.status, a.body)
				return
			}
			require.Equal(t, "update-not-admitted", a.field(t, "code"))
			require.Equal(t, "u-1", a.field(t, "updateId"))
		})
	}
}

func TestAWaitForAnUpdateEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		ctx, leave := context.WithTimeout(t.Context(), 3*time.Second)
		defer leave()
		_, err := g.send(ctx, http.MethodPost, updatesPath, addItem)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Zero(t, f.waiters())
		require.Contains(t, g.log.String(), "client-closed-request")
	})
}

func TestAnUpdateEndsWithinTheBudget(t *testing.T) {
	t.Parallel()
	short := func(cfg *config.Config) {
		cfg.Limits.MaxWait, cfg.Limits.RequestBudget = 20*time.Second, 21*time.Second
	}
	updating(t, short, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.accept()
		f.sent = true
		poll := g.upstream.Handler("PollWorkflowExecutionUpdate")
		g.upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.InTurn(func(ctx context.Context, request []byte) ([]byte, error) {
			time.Sleep(10 * time.Second) // the look takes its share
			return poll(ctx, request)
		}, poll))
		var a answered
		require.Equal(t, 21*time.Second, elapsed(func() { a = g.do(t, http.MethodGet, updatesPath+"/u-1?wait=20s", "") }))
		require.Equal(t, http.StatusAccepted, a.status, a.body)
	})
}

func TestAnUpdateIsRetriedAsItIs(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.complete("1")
		g.upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(
			upstreamtest.Fail(codes.Unavailable, "gone"), upstreamtest.Typed(f.update)))
		a := g.do(t, http.MethodPost, updatesPath, `{"update":"addItem"}`)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Len(t, g.upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Len(t, requestsOf(g.upstream.Calls("UpdateWorkflowExecution")), 1)
	})
}

// full is a workflow that has as many updates in flight as it may.
func full() upstreamtest.Handler {
	return upstreamtest.Fail(codes.ResourceExhausted, "limit on number of concurrent in-flight updates has been reached (10)",
		&errordetails.ResourceExhaustedFailure{Cause: enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT})
}

func TestAnUpdateOfAFullWorkflowIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, _ *fakeUpdate) {
		g.upstream.Handle("UpdateWorkflowExecution", full())
		begin := time.Now()
		a := g.do(t, http.MethodPost, updatesPath+"?wait=30s", addItem)
		require.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
		require.Equal(t, []string{"workflow-busy", "order", "u-1", "true"}, []string{
			a.field(t, "code"), a.field(t, "workflowId"), a.field(t, "updateId"), a.field(t, "retryable"),
		})
		require.Equal(t, "1", a.header.Get("Retry-After"))
		require.Zero(t, time.Since(begin))
	})
}

// A wait that ends while the update is kept from the workflow does not blame the workers.
func TestAWaitThatEndsAtABusyWorkflowSaysSo(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		g.upstream.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		begin := time.Now()
		a := g.do(t, http.MethodPost, updatesPath+"?wait=2s", addItem)
		require.Equal(t, []string{"workflow-busy", "u-1"}, []string{a.field(t, "code"), a.field(t, "updateId")})
		require.Equal(t, 2*time.Second, time.Since(begin))

		f.accept()
		g.upstream.Handle("UpdateWorkflowExecution", upstreamtest.Typed(f.update))
		g.upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		a = g.do(t, http.MethodPost, updatesPath+"?wait=2s", addItem)
		require.Equal(t, http.StatusAccepted, a.status, a.body)
	})
}

func TestAnUpdateIDIsMadeOfTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.complete("1")
		id := func(path, body string, headers ...string) string {
			return g.do(t, http.MethodPost, path, body, headers...).field(t, "updateId")
		}
		plain, key := `{"update":"addItem"}`, []string{"Idempotency-Key", "k"}
		first := id(updatesPath, plain, key...)
		require.Len(t, first, 65)
		require.Equal(t, first, id(updatesPath, plain, key...))
		ids := map[string]bool{first: true}
		for _, other := range []string{
			id(updatesPath, plain), id(updatesPath, plain), id(updatesPath, plain, "Idempotency-Key", "l"),
			id(updatesPath, `{"update":"removeItem"}`, key...), id(updatesPath, `{"update":"addItem","args":[1]}`, key...),
			id(updatesPath+"?runId=r", plain, key...), id("/v1/namespaces/default/workflows/other/updates", plain, key...),
			id(updatesPath, plain, append(bearer(otherKey), key...)...),
		} {
			require.NotContains(t, ids, other)
			ids[other] = true
		}
		require.Equal(t, "u-1", id(updatesPath, addItem, key...), "an explicit one wins")
		before := len(g.upstream.Calls("UpdateWorkflowExecution"))
		const argument = `{ "b": 1.0, "a": "\u00e9\/" }`
		id(updatesPath, `{"update":"addItem","args":[`+argument+`]}`, key...)
		require.Equal(t, argument, string(sentUpdate(t, g, before).GetRequest().GetInput().GetArgs().GetPayloads()[0].GetData()),
			"what is hashed in another form passes byte for byte")
	})
}

func TestAnUpdateIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, _ *fakeUpdate) {
		for body, field := range map[string]string{
			`{}`:                             "/update",
			`{"update":"a","updateId":"\t"}`: "/updateId",
			`{"update":"a","waitForStage":"ADMITTED"}`:             "/waitForStage",
			`{"update":"a","args":[1],"argPayloads":[{"json":1}]}`: "/argPayloads",
			`{"update":"a","id":"x"}`:                              "/id",
		} {
			a := g.do(t, http.MethodPost, updatesPath, body)
			require.Equal(t, http.StatusBadRequest, a.status, body)
			require.Contains(t, a.field(t, "errors"), field)
		}
		require.Equal(t, http.StatusForbidden, g.do(t, http.MethodPost, updatesPath, addItem, bearer(readerKey)...).status)
		require.Equal(t, http.StatusBadRequest, g.do(t, http.MethodPost, updatesPath+"?failureStatus=404", addItem).status)
		require.Empty(t, g.upstream.Calls("UpdateWorkflowExecution"))
	})
}

func TestWhyAnUpdateCannotBeSent(t *testing.T) {
	t.Parallel()
	for message, code := range map[string]string{
		"workflow execution already completed":            "workflow-completed",
		"workflow update was aborted by closing workflow": "workflow-completed",
		"workflow execution not found":                    "run-chain-mismatch",
		"workflow not found for ID: order":                "workflow-not-found",
	} {
		updating(t, nil, func(t *testing.T, g *gateway, _ *fakeUpdate) {
			g.upstream.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.NotFound, message))
			a := g.do(t, http.MethodPost, updatesPath, addItem)
			require.Equal(t, code, a.field(t, "code"), message)
			require.Equal(t, []string{"order", "u-1"}, []string{a.field(t, "workflowId"), a.field(t, "updateId")})
		})
	}
}

// A reset, or the like, closes a run under the updates that it has not accepted.
func TestAnUpdateGoesOnToTheNextRun(t *testing.T) {
	t.Parallel()
	closing := upstreamtest.Fail(codes.NotFound, "workflow update was aborted by closing workflow")
	for _, ended := range []bool{false, true} {
		updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
			f.complete("1")
			next := upstreamtest.Typed(f.update)
			if ended {
				next = upstreamtest.Fail(codes.NotFound, "workflow execution already completed")
			}
			g.upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(closing, closing, next))
			var a answered
			took := elapsed(func() { a = g.do(t, http.MethodPost, updatesPath, `{"update":"addItem"}`) })
			require.NotZero(t, took, "it paces itself")
			require.Less(t, took, 2*time.Second)
			if ended {
				require.Equal(t, "workflow-completed", a.field(t, "code"), a.body)
			} else {
				require.Equal(t, "1", a.field(t, "result"), a.body)
			}
			require.Len(t, requestsOf(g.upstream.Calls("UpdateWorkflowExecution")), 1, "it is the same update")

			g.upstream.Handle("UpdateWorkflowExecution", closing)
			a = g.do(t, http.MethodPost, updatesPath+"?runId=r", addItem)
			require.Equal(t, "workflow-completed", a.field(t, "code"), "that run has")
			require.Len(t, g.upstream.Calls("UpdateWorkflowExecution"), 4)
		})
	}
}

func TestTheLocationOfAnUpdateKeepsItsFailureStatus(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		f.accept()
		for _, request := range [][]string{
			{http.MethodPost, updatesPath + "?wait=1s&", addItem},
			{http.MethodPost, withStartPath + "?wait=1s&", withStart("")},
			{http.MethodGet, updatesPath + "/u-1?", ""},
		} {
			f.accept()
			a := g.do(t, request[0], request[1]+"failureStatus=422", request[2])
			require.Equal(t, http.StatusAccepted, a.status, a.body)
			require.Equal(t, updatesPath+"/u-1?failureStatus=422&runId="+runID, a.header.Get("Location"))
			f.fail("card refused", false)
			require.Equal(t, http.StatusUnprocessableEntity, g.do(t, http.MethodGet, a.header.Get("Location"), "").status)
		}
	})
}

func TestADelegatedTokenSendsItsUpdatesAndAsksForThem(t *testing.T) {
	t.Parallel()
	updating(t, nil, func(t *testing.T, g *gateway, f *fakeUpdate) {
		a := g.do(t, http.MethodPost, "/v1/namespaces/default/workflows/order/tokens", `{"updates":["addItem"]}`)
		token := bearer(a.field(t, "token"))
		f.fail("no", true)
		require.Equal(t, "REJECTED", g.do(t, http.MethodPost, updatesPath, addItem, token...).field(t, "status"))
		f.complete("1")
		require.Equal(t, http.StatusOK, g.do(t, http.MethodPost, updatesPath, addItem, token...).status)
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, updatesPath+"/u-1", "", token...).status)
		for path, body := range map[string]string{
			updatesPath: `{"update":"setAddress"}`,
			"/v1/namespaces/default/workflows/other/updates":   addItem,
			"/v1/namespaces/default/workflows:updateWithStart": withStart(""),
		} {
			require.Equal(t, http.StatusForbidden, g.do(t, http.MethodPost, path, body, token...).status, path)
		}
		require.Equal(t, http.StatusForbidden, g.do(t, http.MethodGet, "/v1/namespaces/default/workflows/other/updates/u-1", "", token...).status)
	})
}

// requestsOf gives the distinct requests of a method's calls.
func requestsOf(calls []upstreamtest.Call) []string {
	var requests []string
	for _, call := range calls {
		if !slices.Contains(requests, string(call.Request)) {
			requests = append(requests, string(call.Request))
		}
	}
	return requests
}
