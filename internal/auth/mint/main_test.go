package mint_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/mint"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/testlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settings returns valid settings with short durations.
func settings(path string) config.Mint {
	return config.Mint{
		KeyFile: path, Algorithm: "ES256", Issuer: "flowgate", TTL: 30 * time.Second, PublishAhead: 10 * time.Second,
	}
}

// ecKey returns an EC key as PKCS#8 in PEM.
func ecKey(t testing.TB) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return pkcs8(t, private)
}

func pkcs8(t testing.TB, private any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pemBlock("PRIVATE KEY", der)
}

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func writeFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mint.pem")
	rewrite(t, path, content)
	return path
}

// rewrite replaces the content of the file.
func rewrite(t testing.TB, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func openSigner(t testing.TB, cfg config.Mint) *mint.Signer {
	t.Helper()
	signer, err := mint.Open(cfg, mint.Options{})
	require.NoError(t, err)
	return signer
}

// readCall returns a call by the named principal of an RPC that requires the role read on the namespace.
func readCall(name, namespace string) auth.CallInfo {
	return auth.CallInfo{
		Principal: &auth.Principal{Name: name}, Namespace: namespace,
		Access: auth.Access{Role: auth.RoleRead, Scope: auth.ScopeNamespace},
	}
}

// tokenFor returns the token for a call.
func tokenFor(t testing.TB, signer *mint.Signer, call auth.CallInfo) string {
	t.Helper()
	header, err := signer.Authorization(context.Background(), call)
	require.NoError(t, err)
	token, ok := strings.CutPrefix(header, "Bearer ")
	require.True(t, ok, "the metadata is a bearer token")
	return token
}

// keySet has the keys that a server has fetched, by kid.
type keySet map[string]jose.JSONWebKey

// fetchKeys returns the published keys.
func fetchKeys(t testing.TB, signer *mint.Signer) keySet {
	t.Helper()
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(signer.JWKS(), &set))
	require.NotEmpty(t, set.Keys)
	keys := keySet{}
	for _, k := range set.Keys {
		require.True(t, k.IsPublic())
		require.True(t, k.Valid())
		require.Equal(t, "sig", k.Use)
		keys[k.KeyID] = k
	}
	require.Len(t, keys, len(set.Keys), "no key is published twice")
	return keys
}

// verify verifies a token as a server without leeway does.
func (keys keySet) verify(token string) (*jwt.Token, error) {
	return jwt.Parse(token, func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		k, ok := keys[kid]
		if !ok || token.Method.Alg() != k.Algorithm {
			return nil, jwt.ErrTokenUnverifiable
		}
		return k.Key, nil
	}, jwt.WithIssuedAt(), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithValidMethods([]string{"ES256", "RS256"}))
}

func kidOf(t testing.TB, token string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	require.NoError(t, err)
	kid, ok := parsed.Header["kid"].(string)
	require.True(t, ok)
	return kid
}

// reloadRecorder records the log and the reloads of a signer while a test reads them.
type reloadRecorder struct {
	log testlog.Buffer

	mu      sync.Mutex
	reloads []error
}

func (r *reloadRecorder) options() mint.Options {
	return mint.Options{Log: slog.New(slog.NewTextHandler(&r.log, nil)), OnReload: func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reloads = append(r.reloads, err)
	}}
}

// reloaded returns the arguments of all calls of OnReload.
func (r *reloadRecorder) reloaded() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reloads
}
