package update_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

func TestAnUpdateThatCompletesImmediatelyNeedsOneCall(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Complete(`{"items":1.10}`)
		resp := g.Do(t, http.MethodPost, servertest.UpdatesPath+"?runId=r&firstExecutionRunId=f", handlerstest.AddItemBody)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"workflowId":"order","runId":"`+temporalfake.RunID+`","updateId":"u-1","stage":"COMPLETED","status":"COMPLETED",
			"result":{"items":1.10}}`, resp.Body)
		require.Contains(t, resp.Body, "1.10", "byte for byte")
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

func TestTheUpdateIDIsDerivedFromTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
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
			id(servertest.UpdatesPath, plain, append(servertest.Bearer(servertest.OwnCredentialKey), key...)...),
		} {
			require.NotContains(t, ids, other)
			ids[other] = true
		}
		require.Equal(t, "u-1", id(servertest.UpdatesPath, handlerstest.AddItemBody, key...), "an explicit update id overrides the key")
		before := len(g.Upstream.Calls("UpdateWorkflowExecution"))
		const argument = `{ "b": 1.0, "a": "\u00e9\/" }`
		id(servertest.UpdatesPath, `{"update":"addItem","args":[`+argument+`]}`, key...)
		require.Equal(t, argument, string(sentUpdate(t, g, before).GetRequest().GetInput().GetArgs().GetPayloads()[0].GetData()),
			"arguments are normalised only for the digest, and passed on byte for byte")
	})
}

func TestAnInvalidUpdateIsNotSent(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
		for body, field := range map[string]string{
			`{}`:                             "/update",
			`{"update":"a","updateId":"\t"}`: "/updateId",
			`{"update":"a","waitForStage":"ADMITTED"}`:             "/waitForStage",
			`{"update":"a","args":[1],"argPayloads":[{"json":1}]}`: "/argPayloads",
			`{"update":"a","id":"x"}`:                              "/id",
		} {
			resp := g.Do(t, http.MethodPost, servertest.UpdatesPath, body)
			require.Equal(t, http.StatusBadRequest, resp.Status, body)
			require.Contains(t, resp.Field(t, "errors"), field)
		}
		require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody, servertest.Bearer(servertest.ReaderKey)...).Status)
		require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodPost, servertest.UpdatesPath+"?failureStatus=404", handlerstest.AddItemBody).Status)
		require.Empty(t, g.Upstream.Calls("UpdateWorkflowExecution"))
	})
}

func TestTheLocationOfAnUpdateKeepsItsFailureStatus(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Accept()
		for _, request := range [][]string{
			{http.MethodPost, servertest.UpdatesPath + "?wait=1s&", handlerstest.AddItemBody},
			{http.MethodPost, handlerstest.UpdateWithStartPath + "?wait=1s&", handlerstest.UpdateWithStartBody("")},
			{http.MethodGet, servertest.UpdatesPath + "/u-1?", ""},
		} {
			f.Accept()
			resp := g.Do(t, request[0], request[1]+"failureStatus=422", request[2])
			require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
			require.Equal(t, servertest.UpdatesPath+"/u-1?failureStatus=422&runId="+temporalfake.RunID, resp.Header.Get("Location"))
			f.Fail("card refused", false)
			require.Equal(t, http.StatusUnprocessableEntity, g.Do(t, http.MethodGet, resp.Header.Get("Location"), "").Status)
		}
	})
}

func TestADelegatedTokenPermitsOnlyItsUpdates(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		resp := g.Do(t, http.MethodPost, "/v1/namespaces/default/workflows/order/tokens", `{"updates":["addItem"]}`)
		token := servertest.Bearer(resp.Field(t, "token"))
		f.Fail("no", true)
		require.Equal(t, "REJECTED", g.Do(t, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody, token...).Field(t, "status"))
		f.Complete("1")
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody, token...).Status)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.UpdatesPath+"/u-1", "", token...).Status)
		for path, body := range map[string]string{
			servertest.UpdatesPath:                             `{"update":"setAddress"}`,
			"/v1/namespaces/default/workflows/other/updates":   handlerstest.AddItemBody,
			"/v1/namespaces/default/workflows:updateWithStart": handlerstest.UpdateWithStartBody(""),
		} {
			require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodPost, path, body, token...).Status, path)
		}
		require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows/other/updates/u-1", "", token...).Status)
	})
}
