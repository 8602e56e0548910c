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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// withWorkflow runs a test against a gateway whose upstream has the workflow
// order, which takes signals, updates and queries.
func withWorkflow(t *testing.T, options startOptions, test func(*testing.T, *gateway, *fakeWorkflow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options)
		synctest.Wait() // past the health watch's first call
		f := newFakeWorkflow(g.upstream)
		g.upstream.Handle("SignalWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWorkflowExecutionResponse{}))
		g.upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{}))
		lists(g)
		test(t, g, f)
	})
}

func TestADelegatedTokenDoesWhatItWasMadeFor(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{}, func(t *testing.T, g *gateway, f *fakeWorkflow) {
		credential := bearer(g.delegate(t, approval))
		require.Zero(t, g.asked(), "whether the workflow exists is not looked at")
		f.close()
		for _, call := range []struct {
			method, path, body string
			status             int
		}{
			{http.MethodGet, order, "", http.StatusOK},
			{http.MethodGet, workflows + "/-?workflowId=order", "", http.StatusOK},
			{http.MethodGet, order + "/result", "", http.StatusOK},
			{http.MethodGet, order + "/history", "", http.StatusOK},
			{http.MethodGet, order + "/query?query=state", "", http.StatusOK},
			{http.MethodPost, order + "/query", `{"query":"state"}`, http.StatusOK},
			{http.MethodPost, order + "/signal", `{"signal":"approve"}`, http.StatusNoContent},
		} {
			before := g.asked()
			a := g.do(t, call.method, call.path, call.body, credential...)
			require.Equal(t, call.status, a.status, "%s %s: %s", call.method, call.path, a.body)
			require.Greater(t, g.asked(), before, call.path)
		}
		signal := g.upstream.Calls("SignalWorkflowExecution")[0]
		require.Equal(t, "delegated:writer", text(requestOf(t, signal), "identity"))
		require.Empty(t, signal.Metadata.Get("authorization"))
	})
}

func TestADelegatedTokenDoesNothingElse(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		credential := bearer(g.delegate(t, approval))
		readOnly := bearer(g.delegate(t, `{"read":true}`))
		oneRun := bearer(g.do(t, http.MethodPost, order+"/tokens?runId="+runID, approval).field(t, "token"))
		const other = workflows + "/other"
		refused := 0
		refuse := func(credential []string, method, path, body string) {
			a := g.do(t, method, path, body, credential...)
			require.Equal(t, http.StatusForbidden, a.status, "%s %s: %s", method, path, a.body)
			require.Contains(t, []string{"operation-forbidden", "namespace-forbidden"}, a.field(t, "code"), path)
			refused++
		}
		for _, call := range [][3]string{
			{http.MethodGet, other},
			{http.MethodGet, other + "/result"},
			{http.MethodGet, other + "/history"},
			{http.MethodGet, other + "/metadata"},
			{http.MethodGet, other + "/query?query=state"},
			{http.MethodGet, workflows + "/-?workflowId=other"},
			{http.MethodGet, order + "%2Fchild"},
			{http.MethodGet, workflows + "/ORDER"},
			{http.MethodPost, other + "/signal", `{"signal":"approve"}`},
			{http.MethodPost, order + "/signal", `{"signal":"reject"}`},
			{http.MethodPost, order + "/signal", `{"signal":"Approve"}`},
			{http.MethodPost, order + "/tokens", approval},
			{http.MethodPost, order + "/cancel", `{}`},
			{http.MethodPost, order + "/terminate", `{}`},
			{http.MethodGet, workflows},
			{http.MethodGet, count},
			{http.MethodPost, workflows, start1("")},
			{http.MethodGet, "/v1/namespaces/default/client"},
			{http.MethodGet, "/v1/system-info"},
			{http.MethodGet, "/v1/namespaces/other/workflows/order"},
		} {
			refuse(credential, call[0], call[1], call[2])
		}
		refuse(readOnly, http.MethodPost, order+"/signal", `{"signal":"approve"}`)
		refuse(oneRun, http.MethodGet, order, "")
		refuse(oneRun, http.MethodGet, order+"?runId=another", "")
		refuse(oneRun, http.MethodPost, order+"/signal", `{"signal":"approve"}`)
		for _, b := range linkedBindings(t) {
			a := g.do(t, b.verb, b.path("default"), b.message("default"), credential...)
			requireStatus(t, a, http.StatusForbidden, codes.PermissionDenied)
			refused++
		}
		require.Zero(t, g.asked())
		t.Logf("%d refused, 0 upstream calls", refused)
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, order+"?runId="+runID, "", oneRun...).status)
	})
}

func TestWhatADelegatedTokenMayBe(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		a := g.do(t, http.MethodPost, order+"/tokens", approval, bearer(readerKey)...)
		require.Equal(t, http.StatusForbidden, a.status)
		requireForm(t, a, "operation-forbidden")
		a = g.do(t, http.MethodPost, order+"/tokens", `{"updates":["u"]}`, bearer(readerKey)...)
		require.Equal(t, http.StatusForbidden, a.status)
		readers := g.delegate(t, `{"read":true}`, bearer(readerKey)...)
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, order, "", bearer(readers)...).status)

		for _, body := range []string{
			`{}`, `{"ttl":"1h"}`, `{"read":true,"ttl":"0s"}`, `{"read":true,"ttl":"-1h"}`, `{"signals":[""]}`, `{"updates":["",""]}`,
			`{"signals":["` + strings.Repeat(`s","`, 20) + `s"]}`, `{"read":1}`, `{"read":true,"namespace":"other"}`, ``,
		} {
			require.Equal(t, http.StatusBadRequest, g.do(t, http.MethodPost, order+"/tokens", body).status, body)
		}
		a = g.do(t, http.MethodPost, order+"/tokens", `{"read":true,"ttl":"1000h"}`)
		require.Equal(t, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), a.field(t, "expiresAt"), "tokens.maxTTL")
		require.Len(t, g.upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}

func TestADelegatedTokenEnds(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		credential := bearer(g.delegate(t, approval))
		time.Sleep(10*time.Minute - time.Second)
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, order, "", credential...).status)
		time.Sleep(time.Second)
		before := g.asked()
		a := g.do(t, http.MethodGet, order, "", credential...)
		require.Equal(t, http.StatusUnauthorized, a.status)
		requireForm(t, a, "invalid-token")
		require.Equal(t, `Bearer realm="flowgate", error="invalid_token"`, a.header.Get("WWW-Authenticate"))
		fresh := g.delegate(t, approval)
		flipped := fresh[:len(fresh)-2] + map[bool]string{true: "B", false: "A"}[fresh[len(fresh)-2] == 'A'] + fresh[len(fresh)-1:]
		for _, forged := range []string{flipped, fresh + "A", "fgt.", "fgt.AAAA", strings.ToUpper(fresh)} {
			require.Equal(t, http.StatusUnauthorized, g.do(t, http.MethodGet, order, "", bearer(forged)...).status, forged)
		}
		require.Equal(t, http.StatusUnauthorized, as("X-API-Key", fresh).send(t, g).status, "it is no API key")
		require.Equal(t, before, g.asked())
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
			withWorkflow(t, startOptions{configure: func(cfg *config.Config) { file = cfg.Auth.APIKeys.File }}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
				credential := bearer(g.delegate(t, approval))
				require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, order, "", credential...).status)
				keys := string(must(os.ReadFile(file)))
				require.Contains(t, keys, change[0])
				require.NoError(t, os.WriteFile(file, []byte(strings.Replace(keys, change[0], change[1], 1)), 0o600))
				time.Sleep(time.Second)
				before := g.asked()
				require.Equal(t, http.StatusUnauthorized, g.do(t, http.MethodGet, order, "", credential...).status)
				require.Equal(t, before, g.asked())
			})
		})
	}
}

func TestATokenOfATokenEndsWithIt(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{configure: trusting(t, ""), keyTransport: newIssuer()}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		alices := bearer(token(within("exp", 5*time.Minute)))
		a := g.do(t, http.MethodPost, order+"/tokens", `{"read":true}`, alices...)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		const leeway = 30 * time.Second
		require.Equal(t, time.Now().Add(5*time.Minute+leeway).UTC().Format(time.RFC3339), a.field(t, "expiresAt"))
		credential := bearer(a.field(t, "token"))
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, order, "", credential...).status)
		time.Sleep(5*time.Minute + leeway)
		require.Equal(t, http.StatusUnauthorized, g.do(t, http.MethodGet, order, "", credential...).status)
	})
}

// A poll that was begun under a bound would be refused what others wait for, and
// one of others' would show the bearer what it may not see.
func TestABoundTokenSharesPollsWithinItsScopeAlone(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{}, func(t *testing.T, g *gateway, f *fakeWorkflow) {
		bound := func(body string) []string { return bearer(g.delegate(t, body)) }
		require.Equal(t, 4, waits(t, g, f,
			bearer(writerKey), bearer(writerKey), // one poll
			bound(`{"read":true,"signals":["a","b"],"ttl":"10m"}`), bound(`{"read":true,"signals":["b","a","a"],"ttl":"9m"}`), // one poll
			bound(`{"read":true,"signals":["a"]}`), bound(`{"read":true,"updates":["a"]}`)))
	})
}

// The token that began a shared poll may end before the others: its own stream ends with it, theirs go on, and it
// cannot come back to them.
func TestASharedPollOutlivesTheTokenThatBeganIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		c := newFakeChain(g.upstream)
		short, long := bearer(g.delegate(t, `{"read":true,"ttl":"1m"}`)), bearer(g.delegate(t, `{"read":true,"ttl":"1h"}`))
		first, second := g.follow(t, "", short...), g.follow(t, "", long...)
		for _, s := range []*eventStream{first, second} {
			require.Equal(t, c.ids(), s.ids(t, len(c.ids())))
		}
		synctest.Wait()
		require.Equal(t, 1, c.waiting())
		for begin := time.Now(); ; {
			b, err := first.next()
			if err != nil {
				require.Equal(t, time.Minute, time.Since(begin).Round(time.Second))
				break
			}
			require.Equal(t, block{"": ""}, b)
			b, err = second.next()
			require.NoError(t, err)
			require.Equal(t, block{"": ""}, b)
		}
		require.Equal(t, http.StatusUnauthorized, g.do(t, http.MethodGet, eventsPath, "", short...).status)
		seen := len(c.ids())
		c.signal(1)
		require.Equal(t, c.ids()[seen:], second.ids(t, 1))
		synctest.Wait()
		require.Equal(t, 1, c.waiting())
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
		configure := changed(trusting(t, settings), withStatic(t, "static-token"))
		withWorkflow(t, startOptions{configure: configure, keyTransport: newIssuer()}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
			credential := bearer(g.delegate(t, approval, bearer(token())...))
			a := g.do(t, http.MethodGet, order, "", credential...)
			require.Equal(t, want, a.status, "%q: %s", settings, a.body)
			switch settings {
			case "":
				require.Equal(t, []string{"Bearer static-token"}, authorization(t, g, "DescribeWorkflowExecution"))
			case ", credential: none":
				require.Empty(t, authorization(t, g, "DescribeWorkflowExecution"))
			default:
				require.Zero(t, g.asked())
			}
		})
	}
}

func TestADelegatedTokenOfAnybody(t *testing.T) {
	t.Parallel()
	anonymous := func(cfg *config.Config) { cfg.Auth.APIKeys.File, cfg.Auth.InsecureAnonymous = "", true }
	withWorkflow(t, startOptions{configure: anonymous}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		a := ask{method: http.MethodPost, path: order + "/tokens", body: approval, stranger: true}.send(t, g)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		credential := bearer(a.field(t, "token"))
		require.Equal(t, http.StatusOK, get(order, credential...).send(t, g).status)
		require.Equal(t, http.StatusForbidden, get(workflows, credential...).send(t, g).status, "it is less than nobody has")
	})
}
