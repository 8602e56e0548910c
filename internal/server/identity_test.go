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
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

const overridingKey = "fg_overriding_vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

// withStatic makes the gateway send a static token upstream.
func withStatic(t testing.TB, token string) func(*config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "static")
	require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
	return func(cfg *config.Config) {
		cfg.Upstream.Credential = config.Credential{Mode: config.CredentialStatic, File: file}
	}
}

// authorization returns the authorization metadata of the last call to a method.
func authorization(t *testing.T, g *servertest.Gateway, method string) []string {
	t.Helper()
	calls := g.Upstream.Calls(method)
	require.NotEmpty(t, calls)
	return calls[len(calls)-1].Metadata.Get("authorization")
}

func TestOnlyPermittedKeysOverrideTheAuthorization(t *testing.T) {
	t.Parallel()
	overriding := withKeys(keyEntry{overridingKey, "overrideAuthorization: true, grants: [{namespace: default, role: write}]"})
	withWorkflow(t, servertest.Options{Configure: servertest.Apply(overriding, withStatic(t, "static-token"))}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		const header = "Grpc-Metadata-Authorization"
		list := func(path, key string, headers ...string) servertest.Response {
			return g.Do(t, http.MethodGet, path, "", append(servertest.Bearer(key), headers...)...)
		}
		for _, path := range []string{servertest.WorkflowsPath, temporalWorkflowsPath} {
			require.Equal(t, http.StatusOK, list(path, overridingKey, header, "Bearer own").Status)
			require.Equal(t, []string{"Bearer own"}, authorization(t, g, "ListWorkflowExecutions"))
			require.Equal(t, http.StatusOK, list(path, overridingKey).Status)
			require.Equal(t, []string{"Bearer static-token"}, authorization(t, g, "ListWorkflowExecutions"))
		}
		before := g.UpstreamCalls()
		for _, key := range []string{servertest.WriterKey, g.CreateDelegatedToken(t, servertest.TokenBody, servertest.Bearer(overridingKey)...)} {
			resp := g.Do(t, http.MethodGet, servertest.OrderPath, "", append(servertest.Bearer(key), header, "Bearer evil")...)
			require.Equal(t, http.StatusBadRequest, resp.Status, resp.Body)
			requireWellFormed(t, resp, "metadata-not-allowed")
		}
		require.Equal(t, before, g.UpstreamCalls())
		require.Equal(t, http.StatusOK, list(temporalWorkflowsPath, servertest.WriterKey, header, "Bearer evil").Status)
		require.Equal(t, []string{"Bearer static-token"}, authorization(t, g, "ListWorkflowExecutions"))
	})
}

// countPolls waits for the result of the workflow with every credential at the same time. It returns the highest number
// of concurrent upstream polls. credentials are headers, as pairs of name and value.
func countPolls(t *testing.T, g *servertest.Gateway, f *temporalfake.Workflow, credentials ...[]string) int {
	t.Helper()
	time.AfterFunc(5*time.Second, f.Complete)
	var all sync.WaitGroup
	for _, credential := range credentials {
		all.Go(func() {
			resp, err := g.Send(t.Context(), http.MethodGet, servertest.OrderPath+"/result?wait=30s", "", credential...)
			if err != nil || resp.Status != http.StatusOK {
				t.Errorf("%v, %d %s", err, resp.Status, resp.Body)
			}
		})
	}
	all.Wait()
	_, most := f.Polls()
	return most
}

func TestWaitsWithDifferentOverridesDoNotShareAPoll(t *testing.T) {
	t.Parallel()
	overriding := withKeys(keyEntry{overridingKey, "overrideAuthorization: true, grants: [{namespace: default, role: write}]"})
	withWorkflow(t, servertest.Options{Configure: overriding}, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Workflow) {
		with := func(own string) []string {
			return append(servertest.Bearer(overridingKey), "Grpc-Metadata-Authorization", own)
		}
		require.Equal(t, 3, countPolls(t, g, f, with("Bearer a"), with("Bearer b"), with("Bearer b"), servertest.Bearer(overridingKey), servertest.Bearer(servertest.WriterKey)))
	})
}

func withPassthrough(cfg *config.Config) { cfg.Upstream.Credential.Mode = config.CredentialPassthrough }

func TestTheTokenOfACallerIsPassedThrough(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{Configure: servertest.Apply(servertest.TrustIssuer(t, ""), withPassthrough), KeyTransport: servertest.NewIssuer()}, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Workflow) {
		aliceToken, bobToken := servertest.NewJWT(), servertest.NewJWT(servertest.WithClaim("sub", "bob"))
		for _, own := range []string{aliceToken, bobToken, aliceToken} { // the last one is cached
			for _, path := range []string{servertest.WorkflowsPath, temporalWorkflowsPath} {
				require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, path, "", servertest.Bearer(own)...).Status)
				require.Equal(t, []string{"Bearer " + own}, authorization(t, g, "ListWorkflowExecutions"))
			}
		}
		before := g.UpstreamCalls()
		delegated := g.CreateDelegatedToken(t, servertest.TokenBody, servertest.Bearer(aliceToken)...)
		for _, credential := range []string{servertest.WriterKey, delegated} { // there is no token to pass through
			resp := g.Do(t, http.MethodGet, servertest.OrderPath, "", servertest.Bearer(credential)...)
			require.Equal(t, http.StatusBadGateway, resp.Status, resp.Body)
			requireWellFormed(t, resp, "upstream-auth-failed")
		}
		resp := g.Do(t, http.MethodGet, temporalWorkflowsPath, "", servertest.Bearer(servertest.WriterKey)...)
		servertest.RequireRPCError(t, resp, http.StatusBadGateway, codes.Unavailable)
		require.Equal(t, before, g.UpstreamCalls())
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "", servertest.Bearer(servertest.OwnCredentialKey)...).Status)
		require.Equal(t, []string{"Bearer other-token"}, authorization(t, g, "ListWorkflowExecutions"), "the key's own credential takes precedence")
		require.Equal(t, http.StatusOK, getAnonymously(t, g.Client, "/readyz").Status, "the health check needs no token")
		again := servertest.NewJWT(servertest.WithClaim("jti", "2")) // another token of alice, which the upstream may treat differently
		require.Equal(t, 3, countPolls(t, g, f, servertest.Bearer(aliceToken), servertest.Bearer(aliceToken), servertest.Bearer(bobToken), servertest.Bearer(again)))
	})
}

func TestTheCredentialOfAnIssuerTakesPrecedence(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings string
		upstream func(*config.Config)
		sent     func(token string) []string // the authorization metadata for a caller with the token
	}{
		"none":        {", credential: none", withPassthrough, func(string) []string { return nil }},
		"passthrough": {", credential: passthrough", withStatic(t, "static-token"), func(token string) []string { return []string{"Bearer " + token} }},
		"unset":       {"", withStatic(t, "static-token"), func(string) []string { return []string{"Bearer static-token"} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			configure := servertest.Apply(servertest.TrustIssuer(t, tc.settings), tc.upstream)
			withWorkflow(t, servertest.Options{Configure: configure, KeyTransport: servertest.NewIssuer()}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
				own := servertest.NewJWT()
				require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "", servertest.Bearer(own)...).Status)
				require.Equal(t, tc.sent(own), authorization(t, g, "ListWorkflowExecutions"))
			})
		})
	}
}

func TestANamespaceMayHaveItsOwnCredential(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "namespace")
	require.NoError(t, os.WriteFile(file, []byte("namespace-token"), 0o600))
	configure := servertest.Apply(withKeys(
		keyEntry{servertest.OtherNamespacesKey, `grants: [{namespace: "*", role: admin}]`}), withStatic(t, "static-token"),
		func(cfg *config.Config) {
			cfg.Namespaces = map[string]config.Namespace{
				"default": {
					Credential: config.NamespaceCredential{Mode: config.CredentialStatic, File: file},
					Upstream:   config.NamespaceUpstream{Name: "default.a1b2c"},
				},
				"open": {Credential: config.NamespaceCredential{Mode: config.CredentialNone}},
			}
		})
	withWorkflow(t, servertest.Options{Configure: configure}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		for _, tc := range []struct {
			namespace, key string
			sent           []string
		}{
			{"default", servertest.WriterKey, []string{"Bearer namespace-token"}},
			{"default", servertest.OwnCredentialKey, []string{"Bearer other-token"}},
			{"open", servertest.OtherNamespacesKey, nil},
			{"third", servertest.OtherNamespacesKey, []string{"Bearer static-token"}},
		} {
			for _, door := range []string{"/v1", "/api/v1"} {
				resp := g.Do(t, http.MethodGet, door+"/namespaces/"+tc.namespace+"/workflows", "", servertest.Bearer(tc.key)...)
				require.Equal(t, http.StatusOK, resp.Status, resp.Body)
				require.Equal(t, tc.sent, authorization(t, g, "ListWorkflowExecutions"), "%s by %s", tc.namespace, tc.key)
			}
		}
		lists := g.Upstream.Calls("ListWorkflowExecutions")
		require.Equal(t, []string{"default.a1b2c"}, lists[0].Metadata.Get("temporal-namespace"))
		require.Equal(t, "default.a1b2c", servertest.FieldString(servertest.DecodeRequest(t, lists[0]), "namespace"))
		require.NoError(t, os.WriteFile(file, []byte("rotated-token"), 0o600))
		time.Sleep(2 * time.Second) // longer than the interval at which the file is read again
		synctest.Wait()
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "").Status)
		require.Equal(t, []string{"Bearer rotated-token"}, authorization(t, g, "ListWorkflowExecutions"))
	})
}
