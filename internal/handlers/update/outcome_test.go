package update_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestFailedAndRejectedUpdatesHaveDifferentStatuses(t *testing.T) {
	t.Parallel()
	for _, delayed := range []bool{false, true} { // whether the update gets its outcome only after it is sent
		withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			setOutcome := func(set func()) {
				if delayed {
					time.AfterFunc(25*time.Second, set)
				} else {
					set()
				}
			}
			setOutcome(func() { f.Fail("card refused", false) })
			resp := g.Do(t, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.Equal(t, "FAILED", resp.Field(t, "status"))
			require.Contains(t, resp.Field(t, "failure"), "card refused")
			require.Equal(t, http.StatusUnprocessableEntity, g.Do(t, http.MethodPost, servertest.UpdatesPath+"?failureStatus=422", handlerstest.AddItemBody).Status)
			polled := g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1", "")
			require.Equal(t, http.StatusOK, polled.Status)
			require.JSONEq(t, resp.Body, polled.Body)

			f.SetState(temporalfake.Admitted, nil, false)
			setOutcome(func() { f.Fail("no such item", true) })
			resp = g.Do(t, http.MethodPost, servertest.UpdatesPath+"?failureStatus=422", handlerstest.AddItemBody)
			require.Equal(t, http.StatusUnprocessableEntity, resp.Status, resp.Body)
			require.Equal(t, "REJECTED", resp.Field(t, "status"))
			require.Equal(t, "COMPLETED", resp.Field(t, "stage"))
			require.Contains(t, resp.Field(t, "failure"), "no such item")
			require.Equal(t, "update-not-found", g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1", "").Field(t, "code"))
		})
	}
}

// Another caller may send a rejected update again at any moment. Then a read returns the
// state of that copy, which must not change the response to the first caller.
func TestARejectedUpdateStaysRejectedIfItIsSentAgain(t *testing.T) {
	t.Parallel()
	// The states of the copy at each read. Nil means that the workflow has closed.
	for name, copyStates := range map[string][]func(*temporalfake.Update){
		"admitted":  {func(f *temporalfake.Update) { f.SetState(temporalfake.Admitted, nil, false) }},
		"accepted":  {(*temporalfake.Update).Accept},
		"completed": {func(f *temporalfake.Update) { f.Complete("7") }},
		"failed":    {func(f *temporalfake.Update) { f.Fail("card refused", false) }},
		"rejected between two reads": {
			func(f *temporalfake.Update) { f.Fail("no such item", false) }, func(f *temporalfake.Update) { f.Fail("no such item", true) },
		},
		"closed": {nil},
	} {
		for _, path := range []string{servertest.UpdatesPath, handlerstest.UpdateWithStartPath} {
			withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
				body := map[string]string{servertest.UpdatesPath: handlerstest.AddItemBody, handlerstest.UpdateWithStartPath: handlerstest.UpdateWithStartBody("")}[path]
				f.Fail("no such item", true)
				var polls []upstreamtest.Handler
				for _, setState := range copyStates {
					polls = append(polls, func(ctx context.Context, request []byte) ([]byte, error) {
						if setState == nil {
							return nil, status.Error(codes.NotFound, "workflow update was aborted by closing workflow")
						}
						setState(f)
						return upstreamtest.Typed(f.PollUpdate)(ctx, request)
					})
				}
				g.Upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.InTurn(polls...))
				resp := g.Do(t, http.MethodPost, path+"?failureStatus=422", body)
				require.Equal(t, http.StatusUnprocessableEntity, resp.Status, "%s: %s", name, resp.Body)
				require.Contains(t, resp.Body, `"stage":"COMPLETED","status":"REJECTED"`, name)
				require.Contains(t, resp.Body, "no such item", name)
			})
		}
	}
}

// If the gateway has received the stage ACCEPTED, a failure cannot be a rejection, so the
// gateway makes no further poll to distinguish them.
func TestAnAcceptedUpdateThatFailsIsNotRejected(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		time.AfterFunc(5*time.Second, func() { f.Fail("card refused", false) })
		require.Equal(t, "FAILED", g.Do(t, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody).Field(t, "status"))
		require.Len(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"), 1)
	})
}

func TestAnUpdateCanBeRejectedDuringAPoll(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.MarkSent()
		time.AfterFunc(time.Second, func() { f.Fail("no", true) })
		require.Equal(t, "REJECTED", g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1?wait=9s", "").Field(t, "status"))
	})
}
