package server_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// withWorkflow runs a test with a gateway whose upstream has the workflow "order", which
// accepts signals and queries.
func withWorkflow(t *testing.T, options servertest.Options, test func(*testing.T, *servertest.Gateway, *temporalfake.Workflow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, options)
		synctest.Wait() // until the first health check has completed
		f := temporalfake.NewWorkflow(g.Upstream)
		g.Upstream.Handle("SignalWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWorkflowExecutionResponse{}))
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{}))
		serveLists(g)
		test(t, g, f)
	})
}

func TestADelegatedTokenPermitsItsOperations(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Workflow) {
		credential := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody))
		require.Zero(t, g.UpstreamCalls(), "the gateway does not check whether the workflow exists")
		f.Complete()
		for _, call := range []struct {
			method, path, body string
			status             int
		}{
			{http.MethodGet, servertest.OrderPath, "", http.StatusOK},
			{http.MethodGet, servertest.WorkflowsPath + "/-?workflowId=order", "", http.StatusOK},
			{http.MethodGet, servertest.OrderPath + "/result", "", http.StatusOK},
			{http.MethodGet, servertest.OrderPath + "/history", "", http.StatusOK},
			{http.MethodGet, servertest.OrderPath + "/query?query=state", "", http.StatusOK},
			{http.MethodPost, servertest.OrderPath + "/query", `{"query":"state"}`, http.StatusOK},
			{http.MethodPost, servertest.OrderPath + "/signal", `{"signal":"approve"}`, http.StatusNoContent},
		} {
			before := g.UpstreamCalls()
			resp := g.Do(t, call.method, call.path, call.body, credential...)
			require.Equal(t, call.status, resp.Status, "%s %s: %s", call.method, call.path, resp.Body)
			require.Greater(t, g.UpstreamCalls(), before, call.path)
		}
		signal := g.Upstream.Calls("SignalWorkflowExecution")[0]
		require.Equal(t, "delegated:writer", servertest.FieldString(servertest.DecodeRequest(t, signal), "identity"))
		require.Empty(t, signal.Metadata.Get("authorization"))
	})
}

func TestADelegatedTokenPermitsNothingElse(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		credential := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody))
		readOnly := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true}`))
		oneRun := servertest.Bearer(g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens?runId="+temporalfake.RunID, servertest.TokenBody).Field(t, "token"))
		const other = servertest.WorkflowsPath + "/other"
		denied := 0
		requireDenied := func(credential []string, method, path, body string) {
			resp := g.Do(t, method, path, body, credential...)
			require.Equal(t, http.StatusForbidden, resp.Status, "%s %s: %s", method, path, resp.Body)
			require.Contains(t, []string{"operation-forbidden", "namespace-forbidden"}, resp.Field(t, "code"), path)
			denied++
		}
		for _, call := range [][3]string{
			{http.MethodGet, other},
			{http.MethodGet, other + "/result"},
			{http.MethodGet, other + "/history"},
			{http.MethodGet, other + "/metadata"},
			{http.MethodGet, other + "/query?query=state"},
			{http.MethodGet, servertest.WorkflowsPath + "/-?workflowId=other"},
			{http.MethodGet, servertest.OrderPath + "%2Fchild"},
			{http.MethodGet, servertest.WorkflowsPath + "/ORDER"},
			{http.MethodPost, other + "/signal", `{"signal":"approve"}`},
			{http.MethodPost, servertest.OrderPath + "/signal", `{"signal":"reject"}`},
			{http.MethodPost, servertest.OrderPath + "/signal", `{"signal":"Approve"}`},
			{http.MethodPost, servertest.OrderPath + "/tokens", servertest.TokenBody},
			{http.MethodPost, servertest.OrderPath + "/cancel", `{}`},
			{http.MethodPost, servertest.OrderPath + "/terminate", `{}`},
			{http.MethodGet, servertest.WorkflowsPath},
			{http.MethodGet, countPath},
			{http.MethodPost, servertest.WorkflowsPath, servertest.StartBody("")},
			{http.MethodGet, "/v1/namespaces/default/client"},
			{http.MethodGet, "/v1/system-info"},
			{http.MethodGet, "/v1/namespaces/other/workflows/order"},
		} {
			requireDenied(credential, call[0], call[1], call[2])
		}
		requireDenied(readOnly, http.MethodPost, servertest.OrderPath+"/signal", `{"signal":"approve"}`)
		requireDenied(oneRun, http.MethodGet, servertest.OrderPath, "")
		requireDenied(oneRun, http.MethodGet, servertest.OrderPath+"?runId=another", "")
		requireDenied(oneRun, http.MethodPost, servertest.OrderPath+"/signal", `{"signal":"approve"}`)
		for _, b := range servertest.Bindings(t) {
			resp := g.Do(t, b.HTTPMethod, b.Path("default"), b.Body("default"), credential...)
			servertest.RequireRPCError(t, resp, http.StatusForbidden, codes.PermissionDenied)
			denied++
		}
		require.Zero(t, g.UpstreamCalls())
		t.Logf("%d requests denied, 0 upstream calls", denied)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath+"?runId="+temporalfake.RunID, "", oneRun...).Status)
	})
}

func TestCreateDelegatedToken(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", servertest.TokenBody, servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusForbidden, resp.Status)
		requireWellFormed(t, resp, "operation-forbidden")
		resp = g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", `{"updates":["u"]}`, servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusForbidden, resp.Status)
		readers := g.CreateDelegatedToken(t, `{"read":true}`, servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", servertest.Bearer(readers)...).Status)

		for _, body := range []string{
			`{}`, `{"ttl":"1h"}`, `{"read":true,"ttl":"0s"}`, `{"read":true,"ttl":"-1h"}`, `{"signals":[""]}`, `{"updates":["",""]}`,
			`{"signals":["` + strings.Repeat(`s","`, 20) + `s"]}`, `{"read":1}`, `{"read":true,"namespace":"other"}`, ``,
		} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", body).Status, body)
		}
		resp = g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", `{"read":true,"ttl":"1000h"}`)
		require.Equal(t, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), resp.Field(t, "expiresAt"), "tokens.maxTTL")
		require.Len(t, g.Upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}

func TestADelegatedTokenExpires(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		credential := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody))
		time.Sleep(10*time.Minute - time.Second) // the ttl in servertest.TokenBody
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
		time.Sleep(time.Second)
		before := g.UpstreamCalls()
		resp := g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...)
		require.Equal(t, http.StatusUnauthorized, resp.Status)
		requireWellFormed(t, resp, "invalid-token")
		require.Equal(t, `Bearer realm="flowgate", error="invalid_token"`, resp.Header.Get("WWW-Authenticate"))
		fresh := g.CreateDelegatedToken(t, servertest.TokenBody)
		flipped := fresh[:len(fresh)-2] + map[bool]string{true: "B", false: "A"}[fresh[len(fresh)-2] == 'A'] + fresh[len(fresh)-1:]
		for _, forged := range []string{flipped, fresh + "A", "fgt.", "fgt.AAAA", strings.ToUpper(fresh)} {
			require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.OrderPath, "", servertest.Bearer(forged)...).Status, forged)
		}
		require.Equal(t, http.StatusUnauthorized, withCredential("X-API-Key", fresh).Send(t, g).Status, "a delegated token is not an API key")
		require.Equal(t, before, g.UpstreamCalls())
	})
}

func TestADelegatedTokenRequiresTheAPIKeyThatCreatedIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{ // texts in the keys file before and after the change
		"disabled": {"{id: writer,", "{id: writer, disabled: true,"},
		"removed":  {"{id: writer,", "{id: other-writer,"},
		"demoted":  {"grants: [{namespace: default, role: write}]}", "grants: [{namespace: default, role: read}]}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := ""
			withWorkflow(t, servertest.Options{Configure: func(cfg *config.Config) { file = cfg.Auth.APIKeys.File }}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
				credential := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody))
				require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
				keys := string(servertest.Must(os.ReadFile(file)))
				require.Contains(t, keys, change[0])
				require.NoError(t, os.WriteFile(file, []byte(strings.Replace(keys, change[0], change[1], 1)), 0o600))
				time.Sleep(time.Second)
				before := g.UpstreamCalls()
				require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
				require.Equal(t, before, g.UpstreamCalls())
			})
		})
	}
}

func TestADelegatedTokenExpiresWithTheJWTThatCreatedIt(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{Configure: servertest.TrustIssuer(t, ""), KeyTransport: servertest.NewIssuer()}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		aliceToken := servertest.Bearer(servertest.NewJWT(servertest.WithTimeClaim("exp", 5*time.Minute)))
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", `{"read":true}`, aliceToken...)
		require.Equal(t, http.StatusCreated, resp.Status, resp.Body)
		const leeway = 30 * time.Second // the default of auth.jwt.leeway
		require.Equal(t, time.Now().Add(5*time.Minute+leeway).UTC().Format(time.RFC3339), resp.Field(t, "expiresAt"))
		credential := servertest.Bearer(resp.Field(t, "token"))
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
		time.Sleep(5*time.Minute + leeway)
		require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
	})
}

// A poll with a delegated token cannot read everything that other callers may read, and a poll of another caller may
// return more than the token permits. Only tokens with equal permissions share a poll.
func TestDelegatedTokensShareAPollOnlyWithEqualPermissions(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Workflow) {
		delegated := func(body string) []string { return servertest.Bearer(g.CreateDelegatedToken(t, body)) }
		require.Equal(t, 4, countPolls(t, g, f,
			servertest.Bearer(servertest.WriterKey), servertest.Bearer(servertest.WriterKey), // one poll
			delegated(`{"read":true,"signals":["a","b"],"ttl":"10m"}`), delegated(`{"read":true,"signals":["b","a","a"],"ttl":"9m"}`), // one poll
			delegated(`{"read":true,"signals":["a"]}`), delegated(`{"read":true,"updates":["a"]}`)))
	})
}

// The token of the caller that started a shared poll may expire before the tokens of the other callers. Only the stream
// of that caller then ends.
func TestASharedPollOutlivesTheTokenThatStartedIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		c := temporalfake.NewRunChain(g.Upstream)
		short, long := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true,"ttl":"1m"}`)), servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true,"ttl":"1h"}`))
		first, second := g.FollowHistory(t, "", short...), g.FollowHistory(t, "", long...)
		for _, s := range []*servertest.EventStream{first, second} {
			require.Equal(t, c.EventIDs(), s.ReadIDs(t, len(c.EventIDs())))
		}
		synctest.Wait()
		require.Equal(t, 1, c.Polls())
		for begin := time.Now(); ; {
			b, err := first.Next()
			if err != nil {
				require.Equal(t, time.Minute, time.Since(begin).Round(time.Second))
				break
			}
			require.Equal(t, servertest.EventBlock{"": ""}, b, "a comment after 15 seconds of silence")
			b, err = second.Next()
			require.NoError(t, err)
			require.Equal(t, servertest.EventBlock{"": ""}, b)
		}
		require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.HistoryPath, "", short...).Status)
		before := len(c.EventIDs())
		c.Signal(1)
		require.Equal(t, c.EventIDs()[before:], second.ReadIDs(t, 1))
		synctest.Wait()
		require.Equal(t, 1, c.Polls())
	})
}

// Calls with a delegated token use the same upstream credential as calls of the principal that created the token.
func TestADelegatedTokenUsesTheUpstreamCredentialOfItsCreator(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]int{
		"":                          http.StatusOK,
		", credential: none":        http.StatusOK,
		", credential: passthrough": http.StatusBadGateway, // there is no token to pass through
	} {
		configure := servertest.Apply(servertest.TrustIssuer(t, settings), withStatic(t, "static-token"))
		withWorkflow(t, servertest.Options{Configure: configure, KeyTransport: servertest.NewIssuer()}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
			credential := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody, servertest.Bearer(servertest.NewJWT())...))
			resp := g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...)
			require.Equal(t, want, resp.Status, "%q: %s", settings, resp.Body)
			switch settings {
			case "":
				require.Equal(t, []string{"Bearer static-token"}, authorization(t, g, "DescribeWorkflowExecution"))
			case ", credential: none":
				require.Empty(t, authorization(t, g, "DescribeWorkflowExecution"))
			default:
				require.Zero(t, g.UpstreamCalls())
			}
		})
	}
}

func TestADelegatedTokenOfAnAnonymousCaller(t *testing.T) {
	t.Parallel()
	anonymous := func(cfg *config.Config) { cfg.Auth.APIKeys.File, cfg.Auth.InsecureAnonymous = "", true }
	withWorkflow(t, servertest.Options{Configure: anonymous}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		resp := servertest.Request{Method: http.MethodPost, Path: servertest.OrderPath + "/tokens", Body: servertest.TokenBody, Anonymous: true}.Send(t, g)
		require.Equal(t, http.StatusCreated, resp.Status, resp.Body)
		credential := servertest.Bearer(resp.Field(t, "token"))
		require.Equal(t, http.StatusOK, get(servertest.OrderPath, credential...).Send(t, g).Status)
		require.Equal(t, http.StatusForbidden, get(servertest.WorkflowsPath, credential...).Send(t, g).Status, "the token permits less than anonymous access")
	})
}
