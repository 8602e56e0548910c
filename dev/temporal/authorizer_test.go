package temporal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/flowgate/flowgate/dev/temporal"
)

// TestKeySources checks that the default authorizer rejects calls without a token, and accepts tokens that are signed
// with a key of the configured sources.
func TestKeySources(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	signing := jose.JSONWebKey{Key: key, KeyID: "test", Algorithm: string(jose.ES256)}
	server, err := temporal.Start(t.Context(), temporal.Options{KeySources: []string{serveJWKS(t, signing.Public())}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })

	var denied *serviceerror.PermissionDenied
	require.ErrorAs(t, countWorkflows(t, server.Address(), ""), &denied)
	require.NoError(t, countWorkflows(t, server.Address(), newToken(t, signing, "default:read")))
	require.ErrorAs(t, countWorkflows(t, server.Address(), newToken(t, signing, "other:read")), &denied)
}

func serveJWKS(t *testing.T, keys ...jose.JSONWebKey) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		assert.NoError(t, json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: keys}))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func newToken(t *testing.T, key jose.JSONWebKey, permission string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	require.NoError(t, err)
	signed, err := jwt.Signed(signer).Claims(map[string]any{
		"sub":         "tester",
		"permissions": []string{permission},
		"exp":         time.Now().Add(time.Minute).Unix(),
	}).Serialize()
	require.NoError(t, err)
	return signed
}

// bearerToken is a token that a client sends with every call; empty means none.
type bearerToken string

func (b bearerToken) GetHeaders(context.Context) (map[string]string, error) {
	if b == "" {
		return map[string]string{}, nil
	}
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func countWorkflows(t *testing.T, address, token string) error {
	t.Helper()
	sdk, err := client.NewLazyClient(client.Options{HostPort: address, HeadersProvider: bearerToken(token)})
	require.NoError(t, err)
	defer sdk.Close()
	_, err = sdk.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{})
	return err
}
