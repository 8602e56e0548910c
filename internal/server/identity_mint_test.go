package server_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const jwksPath = "/.well-known/jwks.json"

func privatePEM(key any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: servertest.Must(x509.MarshalPKCS8PrivateKey(key))})
}

// withMinting makes the gateway send minted tokens upstream.
func withMinting(t testing.TB, key *ecdsa.PrivateKey) func(*config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "signing.pem")
	require.NoError(t, os.WriteFile(file, privatePEM(key), 0o600))
	return func(cfg *config.Config) {
		cfg.Upstream.Credential.Mode, cfg.Upstream.Credential.Mint.KeyFile = config.CredentialMint, file
	}
}

// publishedKeys fetches the keys that verify minted tokens, as a Temporal server does.
func publishedKeys(t *testing.T, g *servertest.Gateway) jose.JSONWebKeySet {
	t.Helper()
	resp := getAnonymously(t, g.Client, jwksPath)
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &set), resp.Body)
	require.NotEmpty(t, set.Keys)
	for _, key := range set.Keys {
		require.True(t, key.IsPublic(), "%s", key.KeyID)
	}
	return set
}

// mintedClaims verifies the token of the last call to a method, as a Temporal server does, and returns the claims.
func mintedClaims(t *testing.T, g *servertest.Gateway, method string) gojwt.MapClaims {
	t.Helper()
	sent := authorization(t, g, method)
	require.Len(t, sent, 1)
	raw, ok := strings.CutPrefix(sent[0], "Bearer ")
	require.True(t, ok)
	claims := gojwt.MapClaims{}
	parsed, err := gojwt.ParseWithClaims(raw, claims, func(parsed *gojwt.Token) (any, error) {
		kid, _ := parsed.Header["kid"].(string)
		keys := publishedKeys(t, g)
		found := keys.Key(kid)
		require.Len(t, found, 1, kid)
		return found[0].Key, nil
	}, gojwt.WithValidMethods([]string{"ES256"}), gojwt.WithExpirationRequired(), gojwt.WithIssuer("flowgate"))
	require.NoError(t, err)
	require.True(t, parsed.Valid)
	return claims
}

func TestAMintedTokenNamesThePrincipalAndTheRequiredPermission(t *testing.T) {
	t.Parallel()
	root := withKeys(keyEntry{servertest.RootKey, "grants: [{namespace: default, role: admin}, {namespace: temporal-system, role: admin}]"})
	configure := servertest.Apply(root, servertest.TrustIssuer(t, ""), withMinting(t, servertest.ECKey()))
	withWorkflow(t, servertest.Options{Configure: configure, KeyTransport: servertest.NewIssuer()}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		g.Upstream.Handle("GetClusterInfo", upstreamtest.Respond(&workflowservice.GetClusterInfoResponse{}))
		aliceToken := servertest.NewJWT()
		for _, tc := range []struct {
			method, path, body, credential string
			rpc, subject                   string
			permissions                    []any
		}{
			{http.MethodGet, servertest.WorkflowsPath, "", servertest.ReaderKey, "ListWorkflowExecutions", "reader", []any{"default:read"}},
			{http.MethodGet, temporalWorkflowsPath, "", servertest.ReaderKey, "ListWorkflowExecutions", "reader", []any{"default:read"}},
			{http.MethodGet, servertest.WorkflowsPath, "", servertest.RootKey, "ListWorkflowExecutions", "root", []any{"default:read"}},
			{http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), servertest.WriterKey, "StartWorkflowExecution", "writer", []any{"default:write"}},
			{http.MethodPost, temporalWorkflowsPath + "/w", `{}`, servertest.WriterKey, "StartWorkflowExecution", "writer", []any{"default:write"}},
			{http.MethodGet, servertest.WorkflowsPath, "", aliceToken, "ListWorkflowExecutions", "idp:alice", []any{"default:read"}},
			{http.MethodGet, "/cluster", "", servertest.RootKey, "GetClusterInfo", "root", []any{"temporal-system:read"}},
			{http.MethodGet, "/v1/system-info", "", servertest.ReaderKey, "GetSystemInfo", "reader", []any{}},
			{http.MethodGet, servertest.OrderPath, "", g.CreateDelegatedToken(t, servertest.TokenBody), "DescribeWorkflowExecution", "delegated:writer", []any{"default:read"}},
		} {
			resp := g.Do(t, tc.method, tc.path, tc.body, servertest.Bearer(tc.credential)...)
			require.Contains(t, []int{http.StatusOK, http.StatusCreated}, resp.Status, resp.Body)
			claims := mintedClaims(t, g, tc.rpc)
			require.Equal(t, tc.subject, claims["sub"])
			require.Equal(t, tc.permissions, claims["permissions"], "%s by %s", tc.rpc, tc.subject)
		}
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "", servertest.Bearer(servertest.OwnCredentialKey)...).Status)
		require.Equal(t, []string{"Bearer other-token"}, authorization(t, g, "ListWorkflowExecutions"), "the key's own credential takes precedence")
	})
}

// A namespace may have different names in the gateway and in the upstream.
func TestAMintedTokenHasTheUpstreamNameOfTheNamespace(t *testing.T) {
	t.Parallel()
	renamed := func(cfg *config.Config) {
		cfg.Namespaces = map[string]config.Namespace{"default": {Upstream: config.NamespaceUpstream{Name: "default.a1b2c"}}}
	}
	withWorkflow(t, servertest.Options{Configure: servertest.Apply(withMinting(t, servertest.ECKey()), renamed)}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath, "").Status)
		require.Equal(t, []any{"default.a1b2c:read"}, mintedClaims(t, g, "ListWorkflowExecutions")["permissions"])
	})
}

func TestSigningKeysArePublishedDuringTheDrain(t *testing.T) {
	t.Parallel()
	configure := servertest.Apply(withMinting(t, servertest.ECKey()), servertest.WithDrain)
	withWorkflow(t, servertest.Options{Configure: configure}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		before := g.UpstreamCalls()
		set := publishedKeys(t, g)
		require.Len(t, set.Keys, 1)
		require.True(t, servertest.ECKey().PublicKey.Equal(set.Keys[0].Key))
		resp := servertest.Request{Method: http.MethodPost, Path: jwksPath, Anonymous: true}.Send(t, g)
		require.Equal(t, http.StatusNotFound, resp.Status, "only GET and HEAD are served")
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
		inFlight := make(chan servertest.Response, 1)
		go func() {
			resp, _ := g.Send(t.Context(), http.MethodGet, servertest.OrderPath, "", "Request-Timeout", "20s")
			inFlight <- resp
		}()
		time.Sleep(time.Second)
		g.Stop()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, set, publishedKeys(t, g), "in the phase drain.Draining")
		time.Sleep(6 * time.Second) // until after the delay of 5 s
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, getAnonymously(t, g.Client, "/readyz").Status)
		require.Equal(t, set, publishedKeys(t, g), "in the phase drain.Rejecting")
		<-inFlight
		require.LessOrEqual(t, g.UpstreamCalls(), before+1, "publishing keys needs no upstream call")
	})
}

func TestNoSigningKeysArePublishedWithoutMinting(t *testing.T) {
	t.Parallel()
	withWorkflow(t, servertest.Options{}, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Workflow) {
		resp := getAnonymously(t, g.Client, jwksPath)
		require.Equal(t, http.StatusNotFound, resp.Status)
		requireWellFormed(t, resp, "route-not-found")
	})
}
