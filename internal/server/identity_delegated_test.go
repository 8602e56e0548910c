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

// withWorkflow runs a test against a gateway whose upstream has the workflow
// order, which takes signals, updates and queries.
func withWorkflow(t *testing.T, options servertest.Options, test func(*testing.T, *servertest.Gateway, *temporalfake.Workflow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, options)
		synctest.Wait() // past the health watch's first call
		f := temporalfake.NewWorkflow(g.Upstream)
		g.Upstream.Handle("SignalWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWorkflowExecutionResponse{}))
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{}))
		lists(g)
		test(t, g, f)
	})
}

func TestADelegatedTokenDoesWhatItWasMadeFor(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Workflow) {
		credential := servertest.Bearer(g.DelegateToken(t, servertest.TokenBody))
		require.Zero(t, g.UpstreamCalls(), "whether the workflow exists is not looked at")
		f.Close()
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
			a := g.Do(t, call.method, call.path, call.body, credential...)
			require.Equal(t, call.status, a.Status, "%s %s: %s", call.method, call.path, a.Body)
			require.Greater(t, g.UpstreamCalls(), before, call.path)
		}
		signal := g.Upstream.Calls("SignalWorkflowExecution")[0]
		require.Equal(t, "delegated:writer", servertest.FieldText(servertest.DecodeRequest(t, signal), "identity"))
		require.Empty(t, signal.Metadata.Get("authorization"))
	})
}

func TestADelegatedTokenDoesNothingElse(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		credential := servertest.Bearer(g.DelegateToken(t, servertest.TokenBody))
		readOnly := servertest.Bearer(g.DelegateToken(t, `{"read":true}`))
		oneRun := servertest.Bearer(g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens?runId="+temporalfake.RunID, servertest.TokenBody).Field(t, "token"))
		const other = servertest.WorkflowsPath + "/other"
		refused := 0
		refuse := func(credential []string, method, path, body string) {
			a := g.Do(t, method, path, body, credential...)
			require.Equal(t, http.StatusForbidden, a.Status, "%s %s: %s", method, path, a.Body)
			require.Contains(t, []string{"operation-forbidden", "namespace-forbidden"}, a.Field(t, "code"), path)
			refused++
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
			{http.MethodGet, count},
			{http.MethodPost, servertest.WorkflowsPath, servertest.StartBody("")},
			{http.MethodGet, "/v1/namespaces/default/client"},
			{http.MethodGet, "/v1/system-info"},
			{http.MethodGet, "/v1/namespaces/other/workflows/order"},
		} {
			refuse(credential, call[0], call[1], call[2])
		}
		refuse(readOnly, http.MethodPost, servertest.OrderPath+"/signal", `{"signal":"approve"}`)
		refuse(oneRun, http.MethodGet, servertest.OrderPath, "")
		refuse(oneRun, http.MethodGet, servertest.OrderPath+"?runId=another", "")
		refuse(oneRun, http.MethodPost, servertest.OrderPath+"/signal", `{"signal":"approve"}`)
		for _, b := range servertest.Bindings(t) {
			a := g.Do(t, b.Verb, b.Path("default"), b.Body("default"), credential...)
			servertest.RequireStatus(t, a, http.StatusForbidden, codes.PermissionDenied)
			refused++
		}
		require.Zero(t, g.UpstreamCalls())
		t.Logf("%d refused, 0 upstream calls", refused)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath+"?runId="+temporalfake.RunID, "", oneRun...).Status)
	})
}

func TestWhatADelegatedTokenMayBe(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		a := g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", servertest.TokenBody, servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusForbidden, a.Status)
		requireForm(t, a, "operation-forbidden")
		a = g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", `{"updates":["u"]}`, servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusForbidden, a.Status)
		readers := g.DelegateToken(t, `{"read":true}`, servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", servertest.Bearer(readers)...).Status)

		for _, body := range []string{
			`{}`, `{"ttl":"1h"}`, `{"read":true,"ttl":"0s"}`, `{"read":true,"ttl":"-1h"}`, `{"signals":[""]}`, `{"updates":["",""]}`,
			`{"signals":["` + strings.Repeat(`s","`, 20) + `s"]}`, `{"read":1}`, `{"read":true,"namespace":"other"}`, ``,
		} {
			require.Equal(t, http.StatusBadRequest, g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", body).Status, body)
		}
		a = g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", `{"read":true,"ttl":"1000h"}`)
		require.Equal(t, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), a.Field(t, "expiresAt"), "tokens.maxTTL")
		require.Len(t, g.Upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}

func TestADelegatedTokenEnds(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		credential := servertest.Bearer(g.DelegateToken(t, servertest.TokenBody))
		time.Sleep(10*time.Minute - time.Second)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
		time.Sleep(time.Second)
		before := g.UpstreamCalls()
		a := g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...)
		require.Equal(t, http.StatusUnauthorized, a.Status)
		requireForm(t, a, "invalid-token")
		require.Equal(t, `Bearer realm="flowgate", error="invalid_token"`, a.Header.Get("WWW-Authenticate"))
		fresh := g.DelegateToken(t, servertest.TokenBody)
		flipped := fresh[:len(fresh)-2] + map[bool]string{true: "B", false: "A"}[fresh[len(fresh)-2] == 'A'] + fresh[len(fresh)-1:]
		for _, forged := range []string{flipped, fresh + "A", "fgt.", "fgt.AAAA", strings.ToUpper(fresh)} {
			require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.OrderPath, "", servertest.Bearer(forged)...).Status, forged)
		}
		require.Equal(t, http.StatusUnauthorized, as("X-API-Key", fresh).Send(t, g).Status, "it is no API key")
		require.Equal(t, before, g.UpstreamCalls())
	})
}

func TestADelegatedTokenEndsWithItsMaker(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"disabled":  {"{id: writer,", "{id: writer, disabled: true,"},
		"removed":   {"{id: writer,", "{id: other-writer,"},
		"less role": {"grants: [{namespace: default, role: write}]}", "grants: [{namespace: default, role: read}]}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := ""
			withWorkflow(t, servertest.Options{Configure: func(cfg *config.Config) { file = cfg.Auth.APIKeys.File }}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
				credential := servertest.Bearer(g.DelegateToken(t, servertest.TokenBody))
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

func TestATokenOfATokenEndsWithIt(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{Configure: servertest.TrustIssuer(t, ""), KeyTransport: servertest.NewIssuer()}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		alices := servertest.Bearer(servertest.NewJWT(servertest.WithTimeClaim("exp", 5*time.Minute)))
		a := g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", `{"read":true}`, alices...)
		require.Equal(t, http.StatusCreated, a.Status, a.Body)
		const leeway = 30 * time.Second
		require.Equal(t, time.Now().Add(5*time.Minute+leeway).UTC().Format(time.RFC3339), a.Field(t, "expiresAt"))
		credential := servertest.Bearer(a.Field(t, "token"))
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
		time.Sleep(5*time.Minute + leeway)
		require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
	})
}

// A poll that was begun under a bound would be refused what others wait for, and
// one of others' would show the bearer what it may not see.
func TestABoundTokenSharesPollsWithinItsScopeAlone(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Workflow) {
		bound := func(body string) []string { return servertest.Bearer(g.DelegateToken(t, body)) }
		require.Equal(t, 4, waits(t, g, f,
			servertest.Bearer(servertest.WriterKey), servertest.Bearer(servertest.WriterKey), // one poll
			bound(`{"read":true,"signals":["a","b"],"ttl":"10m"}`), bound(`{"read":true,"signals":["b","a","a"],"ttl":"9m"}`), // one poll
			bound(`{"read":true,"signals":["a"]}`), bound(`{"read":true,"updates":["a"]}`)))
	})
}

// The token that began a shared poll may end before the others: its own stream ends with it, theirs go on, and it
// cannot come back to them.
func TestASharedPollOutlivesTheTokenThatBeganIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		c := temporalfake.NewChain(g.Upstream)
		short, long := servertest.Bearer(g.DelegateToken(t, `{"read":true,"ttl":"1m"}`)), servertest.Bearer(g.DelegateToken(t, `{"read":true,"ttl":"1h"}`))
		first, second := g.Follow(t, "", short...), g.Follow(t, "", long...)
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
			require.Equal(t, servertest.EventBlock{"": ""}, b)
			b, err = second.Next()
			require.NoError(t, err)
			require.Equal(t, servertest.EventBlock{"": ""}, b)
		}
		require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, servertest.HistoryPath, "", short...).Status)
		seen := len(c.EventIDs())
		c.Signal(1)
		require.Equal(t, c.EventIDs()[seen:], second.ReadIDs(t, 1))
		synctest.Wait()
		require.Equal(t, 1, c.Polls())
	})
}

// A token of alice's must not reach the upstream with a credential that she
// herself does not get: her issuer's callers have to do with their own.
func TestADelegatedTokenGoesUpstreamAsItsMakerDoes(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]int{
		"":                          http.StatusOK,
		", credential: none":        http.StatusOK,
		", credential: passthrough": http.StatusBadGateway, // there is no token that the upstream knows
	} {
		configure := servertest.Apply(servertest.TrustIssuer(t, settings), withStatic(t, "static-token"))
		withWorkflow(t, servertest.Options{Configure: configure, KeyTransport: servertest.NewIssuer()}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
			credential := servertest.Bearer(g.DelegateToken(t, servertest.TokenBody, servertest.Bearer(servertest.NewJWT())...))
			a := g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...)
			require.Equal(t, want, a.Status, "%q: %s", settings, a.Body)
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

func TestADelegatedTokenOfAnybody(t *testing.T) {
	t.Parallel()
	anonymous := func(cfg *config.Config) { cfg.Auth.APIKeys.File, cfg.Auth.InsecureAnonymous = "", true }
	withWorkflow(t, servertest.Options{Configure: anonymous}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		a := servertest.Request{Method: http.MethodPost, Path: servertest.OrderPath + "/tokens", Body: servertest.TokenBody, Anonymous: true}.Send(t, g)
		require.Equal(t, http.StatusCreated, a.Status, a.Body)
		credential := servertest.Bearer(a.Field(t, "token"))
		require.Equal(t, http.StatusOK, get(servertest.OrderPath, credential...).Send(t, g).Status)
		require.Equal(t, http.StatusForbidden, get(servertest.WorkflowsPath, credential...).Send(t, g).Status, "it is less than nobody has")
	})
}
