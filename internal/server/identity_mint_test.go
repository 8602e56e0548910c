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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const jwksPath = "/.well-known/jwks.json"

func privatePEM(key any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})
}

// minting has the upstream be shown tokens that the gateway signs.
func minting(t testing.TB, key *ecdsa.PrivateKey) func(*config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "signing.pem")
	require.NoError(t, os.WriteFile(file, privatePEM(key), 0o600))
	return func(cfg *config.Config) {
		cfg.Upstream.Credential.Mode, cfg.Upstream.Credential.Mint.KeyFile = config.CredentialMint, file
	}
}

// published is the set as a Temporal server fetches it.
func published(t *testing.T, g *gateway) jose.JSONWebKeySet {
	t.Helper()
	a := visit(t, g.client, jwksPath)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal([]byte(a.body), &set), a.body)
	require.NotEmpty(t, set.Keys)
	for _, key := range set.Keys {
		require.True(t, key.IsPublic(), "%s", key.KeyID)
	}
	return set
}

// minted verifies the token of a method's last call, as the server would, and
// gives its claims.
func minted(t *testing.T, g *gateway, method string) gojwt.MapClaims {
	t.Helper()
	sent := authorization(t, g, method)
	require.Len(t, sent, 1)
	raw, ok := strings.CutPrefix(sent[0], "Bearer ")
	require.True(t, ok)
	claims := gojwt.MapClaims{}
	parsed, err := gojwt.ParseWithClaims(raw, claims, func(parsed *gojwt.Token) (any, error) {
		kid, _ := parsed.Header["kid"].(string)
		keys := published(t, g)
		found := keys.Key(kid)
		require.Len(t, found, 1, kid)
		return found[0].Key, nil
	}, gojwt.WithValidMethods([]string{"ES256"}), gojwt.WithExpirationRequired(), gojwt.WithIssuer("flowgate"))
	require.NoError(t, err)
	require.True(t, parsed.Valid)
	return claims
}

func TestMintedTokensSayWhoCallsAndNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	root := withKeys(entry{rootKey, "grants: [{namespace: default, role: admin}, {namespace: temporal-system, role: admin}]"})
	configure := changed(root, trusting(t, ""), minting(t, ecKey()))
	withWorkflow(t, startOptions{configure: configure, keyTransport: newIssuer()}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		g.upstream.Handle("GetClusterInfo", upstreamtest.Respond(&workflowservice.GetClusterInfoResponse{}))
		alices := token()
		for _, tc := range []struct {
			method, path, body, credential string
			rpc, subject                   string
			permissions                    []any
		}{
			{http.MethodGet, workflows, "", readerKey, "ListWorkflowExecutions", "reader", []any{"default:read"}},
			{http.MethodGet, temporalWorkflows, "", readerKey, "ListWorkflowExecutions", "reader", []any{"default:read"}},
			{http.MethodGet, workflows, "", rootKey, "ListWorkflowExecutions", "root", []any{"default:read"}},
			{http.MethodPost, workflows, start1(""), writerKey, "StartWorkflowExecution", "writer", []any{"default:write"}},
			{http.MethodPost, temporalWorkflows + "/w", `{}`, writerKey, "StartWorkflowExecution", "writer", []any{"default:write"}},
			{http.MethodGet, workflows, "", alices, "ListWorkflowExecutions", "idp:alice", []any{"default:read"}},
			{http.MethodGet, "/cluster", "", rootKey, "GetClusterInfo", "root", []any{"temporal-system:read"}},
			{http.MethodGet, "/v1/system-info", "", readerKey, "GetSystemInfo", "reader", []any{}},
			{http.MethodGet, order, "", g.delegate(t, approval), "DescribeWorkflowExecution", "delegated:writer", []any{"default:read"}},
		} {
			a := g.do(t, tc.method, tc.path, tc.body, bearer(tc.credential)...)
			require.Contains(t, []int{http.StatusOK, http.StatusCreated}, a.status, a.body)
			claims := minted(t, g, tc.rpc)
			require.Equal(t, tc.subject, claims["sub"])
			require.Equal(t, tc.permissions, claims["permissions"], "%s by %s", tc.rpc, tc.subject)
		}
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, workflows, "", bearer(otherKey)...).status)
		require.Equal(t, []string{"Bearer other-token"}, authorization(t, g, "ListWorkflowExecutions"), "the key's own credential wins")
	})
}

// The server knows the namespace by another name, and so does the token for it.
func TestAMintedTokenIsForTheNamespaceAsItIsThere(t *testing.T) {
	t.Parallel()
	renamed := func(cfg *config.Config) {
		cfg.Namespaces = map[string]config.Namespace{"default": {Upstream: config.NamespaceUpstream{Name: "default.a1b2c"}}}
	}
	withWorkflow(t, startOptions{configure: changed(minting(t, ecKey()), renamed)}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, workflows, "").status)
		require.Equal(t, []any{"default.a1b2c:read"}, minted(t, g, "ListWorkflowExecutions")["permissions"])
	})
}

func TestTheSigningKeysArePublishedInEveryState(t *testing.T) {
	t.Parallel()
	configure := changed(minting(t, ecKey()), drainConfig)
	withWorkflow(t, startOptions{configure: configure}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		before := g.asked()
		set := published(t, g)
		require.Len(t, set.Keys, 1)
		require.True(t, ecKey().PublicKey.Equal(set.Keys[0].Key))
		a := ask{method: http.MethodPost, path: jwksPath, stranger: true}.send(t, g)
		require.Equal(t, http.StatusNotFound, a.status, "it is there to be read")
		g.upstream.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
		flying := make(chan answered, 1)
		go func() {
			a, _ := g.send(t.Context(), http.MethodGet, order, "", "Request-Timeout", "20s")
			flying <- a
		}()
		time.Sleep(time.Second)
		g.stop()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, set, published(t, g), "while it reports that it leaves")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, visit(t, g.client, "/readyz").status)
		require.Equal(t, set, published(t, g), "while it refuses what is new")
		<-flying
		require.LessOrEqual(t, g.asked(), before+1)
	})
}

func TestWithoutMintingThereAreNoKeys(t *testing.T) {
	t.Parallel()
	withWorkflow(t, startOptions{}, func(t *testing.T, g *gateway, _ *fakeWorkflow) {
		a := visit(t, g.client, jwksPath)
		require.Equal(t, http.StatusNotFound, a.status)
		requireForm(t, a, "route-not-found")
	})
}
