package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
)

const overridingKey = "fg_overriding_vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

// withStatic has the upstream be shown a token of its own.
func withStatic(t testing.TB, token string) func(*config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "static")
	require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
	return func(cfg *config.Config) {
		cfg.Upstream.Credential = config.Credential{Mode: config.CredentialStatic, File: file}
	}
}

// authorization is what the last call of a method came with.
func authorization(t *testing.T, g *gateway, method string) []string {
	t.Helper()
	calls := g.upstream.Calls(method)
	require.NotEmpty(t, calls)
	return calls[len(calls)-1].Metadata.Get("authorization")
}

func TestWhoMayOverridesTheAuthorization(t *testing.T) {
	t.Parallel()
	overriding := withKeys(entry{overridingKey, "overrideAuthorization: true, grants: [{namespace: default, role: write}]"})
	withWorkflow(t, startOptions{configure: changed(overriding, withStatic(t, "static-token"))}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		const header = "Grpc-Metadata-Authorization"
		list := func(path, key string, headers ...string) answered {
			return g.do(t, http.MethodGet, path, "", append(bearer(key), headers...)...)
		}
		for _, path := range []string{workflows, temporalWorkflows} {
			require.Equal(t, http.StatusOK, list(path, overridingKey, header, "Bearer own").status)
			require.Equal(t, []string{"Bearer own"}, authorization(t, g, "ListWorkflowExecutions"))
			require.Equal(t, http.StatusOK, list(path, overridingKey).status)
			require.Equal(t, []string{"Bearer static-token"}, authorization(t, g, "ListWorkflowExecutions"))
		}
		before := g.asked()
		for _, key := range []string{writerKey, g.delegate(t, approval, bearer(overridingKey)...)} {
			a := g.do(t, http.MethodGet, order, "", append(bearer(key), header, "Bearer evil")...)
			require.Equal(t, http.StatusBadRequest, a.status, a.body)
			requireForm(t, a, "metadata-not-allowed")
		}
		require.Equal(t, before, g.asked())
		require.Equal(t, http.StatusOK, list(temporalWorkflows, writerKey, header, "Bearer evil").status)
		require.Equal(t, []string{"Bearer static-token"}, authorization(t, g, "ListWorkflowExecutions"))
	})
}

// waits has every credential wait for the workflow's end, and gives how many
// polls there were.
func waits(t *testing.T, g *gateway, f *fakeWorkflow, headers ...[]string) int {
	t.Helper()
	time.AfterFunc(5*time.Second, f.close)
	var all sync.WaitGroup
	for _, headers := range headers {
		all.Go(func() {
			a, err := g.send(t.Context(), http.MethodGet, order+"/result?wait=30s", "", headers...)
			if err != nil || a.status != http.StatusOK {
				t.Errorf("%v, %d %s", err, a.status, a.body)
			}
		})
	}
	all.Wait()
	_, most := f.polls()
	return most
}

func TestWaitsWithDifferentOverridesDoNotShare(t *testing.T) {
	t.Parallel()
	overriding := withKeys(entry{overridingKey, "overrideAuthorization: true, grants: [{namespace: default, role: write}]"})
	withWorkflow(t, startOptions{configure: overriding}, func(t *testing.T, g *gateway, f *fakeWorkflow) {
		with := func(own string) []string { return append(bearer(overridingKey), "Grpc-Metadata-Authorization", own) }
		require.Equal(t, 3, waits(t, g, f, with("Bearer a"), with("Bearer b"), with("Bearer b"), bearer(overridingKey), bearer(writerKey)))
	})
}

func passingThrough(cfg *config.Config) { cfg.Upstream.Credential.Mode = config.CredentialPassthrough }

func TestACallersTokenIsPassedThrough(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{configure: changed(trusting(t, ""), passingThrough), keyTransport: newIssuer()}, func(t *testing.T, g *gateway, f *fakeWorkflow) {
		alices, bobs := token(), token(claim("sub", "bob"))
		for _, own := range []string{alices, bobs, alices} { // the last from memory
			for _, path := range []string{workflows, temporalWorkflows} {
				require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, path, "", bearer(own)...).status)
				require.Equal(t, []string{"Bearer " + own}, authorization(t, g, "ListWorkflowExecutions"))
			}
		}
		before := g.asked()
		bound := g.delegate(t, approval, bearer(alices)...)
		for _, credential := range []string{writerKey, bound} { // which have shown no token that the upstream could know
			a := g.do(t, http.MethodGet, order, "", bearer(credential)...)
			require.Equal(t, http.StatusBadGateway, a.status, a.body)
			requireForm(t, a, "upstream-auth-failed")
		}
		a := g.do(t, http.MethodGet, temporalWorkflows, "", bearer(writerKey)...)
		requireStatus(t, a, http.StatusBadGateway, codes.Unavailable)
		require.Equal(t, before, g.asked())
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, workflows, "", bearer(otherKey)...).status)
		require.Equal(t, []string{"Bearer other-token"}, authorization(t, g, "ListWorkflowExecutions"), "the key's own")
		require.Equal(t, http.StatusOK, visit(t, g.client, "/readyz").status, "the look at the server's health has no token")
		again := token(claim("jti", "2")) // alice's too, and another one to the upstream
		require.Equal(t, 3, waits(t, g, f, bearer(alices), bearer(alices), bearer(bobs), bearer(again)))
	})
}

func TestAnIssuersCredentialWinsOverTheUpstreams(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings string
		upstream func(*config.Config)
		sent     func(token string) []string
	}{
		"none":        {", credential: none", passingThrough, func(string) []string { return nil }},
		"passthrough": {", credential: passthrough", withStatic(t, "static-token"), func(token string) []string { return []string{"Bearer " + token} }},
		"left out":    {"", withStatic(t, "static-token"), func(string) []string { return []string{"Bearer static-token"} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			configure := changed(trusting(t, tc.settings), tc.upstream)
			withWorkflow(t, startOptions{configure: configure, keyTransport: newIssuer()}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
				own := token()
				require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, workflows, "", bearer(own)...).status)
				require.Equal(t, tc.sent(own), authorization(t, g, "ListWorkflowExecutions"))
			})
		})
	}
}

func TestANamespaceHasACredentialOfItsOwn(t *testing.T) {
	t.Parallel()
	ofNamespace := filepath.Join(t.TempDir(), "namespace")
	require.NoError(t, os.WriteFile(ofNamespace, []byte("namespace-token"), 0o600))
	configure := changed(withKeys(
		entry{elsewhereKey, `grants: [{namespace: "*", role: admin}]`}), withStatic(t, "static-token"),
		func(cfg *config.Config) {
			cfg.Namespaces = map[string]config.Namespace{
				"default": {
					Credential: config.NamespaceCredential{Mode: config.CredentialStatic, File: ofNamespace},
					Upstream:   config.NamespaceUpstream{Name: "default.a1b2c"},
				},
				"open": {Credential: config.NamespaceCredential{Mode: config.CredentialNone}},
			}
		})
	withWorkflow(t, startOptions{configure: configure}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		for _, tc := range []struct {
			namespace, key string
			sent           []string
		}{
			{"default", writerKey, []string{"Bearer namespace-token"}},
			{"default", otherKey, []string{"Bearer other-token"}},
			{"open", elsewhereKey, nil},
			{"third", elsewhereKey, []string{"Bearer static-token"}},
		} {
			for _, door := range []string{"/v1", "/api/v1"} {
				a := g.do(t, http.MethodGet, door+"/namespaces/"+tc.namespace+"/workflows", "", bearer(tc.key)...)
				require.Equal(t, http.StatusOK, a.status, a.body)
				require.Equal(t, tc.sent, authorization(t, g, "ListWorkflowExecutions"), "%s by %s", tc.namespace, tc.key)
			}
		}
		lists := g.upstream.Calls("ListWorkflowExecutions")
		require.Equal(t, []string{"default.a1b2c"}, lists[0].Metadata.Get("temporal-namespace"))
		require.Equal(t, "default.a1b2c", text(requestOf(t, lists[0]), "namespace"))
		require.NoError(t, os.WriteFile(ofNamespace, []byte("rotated-token"), 0o600))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, workflows, "").status)
		require.Equal(t, []string{"Bearer rotated-token"}, authorization(t, g, "ListWorkflowExecutions"))
	})
}
