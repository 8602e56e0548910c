package server_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostileTokens returns the cases about JWTs: hostile ones, and for comparison similar ones that the gateway accepts. A
// row changes the token of [servertest.NewJWT], which is valid and signed with ES256. See [hostile] for the numbers.
func hostileTokens() []hostile {
	row := func(number int, name string, act func(*testing.T, *servertest.Gateway, *servertest.Issuer, string) string, changes []func(*servertest.JWTDraft)) hostile {
		issuer := servertest.NewIssuer()
		return hostile{number: number, name: name, issuer: issuer, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return act(t, g, issuer, servertest.NewJWT(changes...))
		}}
	}
	rejected := func(number int, name string, changes ...func(*servertest.JWTDraft)) hostile {
		return row(number, name, requireRejectedWithoutFetch, changes)
	}
	accepted := func(number int, name string, changes ...func(*servertest.JWTDraft)) hostile {
		return row(number, name, requireAccepted, changes)
	}
	ec := gojwt.SigningMethodES256
	none := func(d *servertest.JWTDraft) {
		d.Method, d.Key = gojwt.SigningMethodNone, gojwt.UnsafeAllowNoneSignatureType
	}
	return []hostile{
		// 9: an algorithm that proves nothing
		rejected(9, "alg none", none, servertest.WithHeader("alg", "none")),
		rejected(9, "alg None", none, servertest.WithHeader("alg", "None")),
		rejected(9, "HS256 with the public key as the secret", servertest.SignedBy("rsa", gojwt.SigningMethodHS256, rsaPEM())),
		// 10: the algorithm must be permitted and fit the key
		accepted(10, "RS256", servertest.SignedBy("rsa", gojwt.SigningMethodRS256, servertest.RSAKey())),
		rejected(10, "ES256 with the kid of an RSA key", servertest.WithHeader("kid", "rsa")),
		rejected(10, "PS256", servertest.SignedBy("rsa", gojwt.SigningMethodPS256, servertest.RSAKey())),
		// 11: a signature by another key
		rejected(11, "another key with the kid of the issuer's key", servertest.SignedBy("ec", ec, servertest.ForgerKey())),
		// 12: an expired token
		rejected(12, "expired beyond the leeway", servertest.WithTimeClaim("iat", -time.Hour), servertest.WithTimeClaim("exp", -31*time.Second)),
		accepted(12, "expired within the leeway", servertest.WithTimeClaim("iat", -time.Hour), servertest.WithTimeClaim("exp", -29*time.Second)),
		// 13: no valid expiry
		rejected(13, "no exp", servertest.WithClaim("exp", nil)),
		rejected(13, "exp is a string", servertest.WithClaim("exp", "4102444800")),
		rejected(13, "exp is out of range", servertest.WithClaim("exp", 1e300)),
		// 14: a token that is not valid yet
		rejected(14, "nbf in the future", servertest.WithTimeClaim("nbf", time.Minute)),
		rejected(14, "iat in the future", servertest.WithTimeClaim("iat", time.Minute)),
		// 15: not exactly the trusted issuer
		rejected(15, "another issuer", servertest.WithClaim("iss", "https://evil.example")),
		rejected(15, "the issuer with a trailing slash", servertest.WithClaim("iss", servertest.IssuerURL+"/")),
		rejected(15, "no issuer", servertest.WithClaim("iss", nil)),
		// 16: not for the gateway's audience
		rejected(16, "no audience", servertest.WithClaim("aud", nil)),
		rejected(16, "another audience", servertest.WithClaim("aud", "other")),
		rejected(16, "the audience is an object", servertest.WithClaim("aud", map[string]string{"flowgate": "flowgate"})),
		accepted(16, "one of several audiences", servertest.WithClaim("aud", []string{"other", "flowgate"})),
		// 17: a header parameter that changes the verification or supplies a key
		rejected(17, "crit", servertest.WithHeader("crit", []string{"foo"}), servertest.WithHeader("foo", 1)),
		rejected(17, "b64", servertest.WithHeader("b64", false)),
		rejected(17, "a key in the header (jwk)", servertest.SignedBy("ec", ec, servertest.ForgerKey()), servertest.WithHeader("jwk", jose.JSONWebKey{Key: servertest.ForgerKey().Public()})),
		rejected(17, "jku", servertest.WithHeader("jku", "https://evil.example/jwks")),
		rejected(17, "x5u", servertest.WithHeader("x5u", "https://evil.example/x5u")),
		// 18: a type of token that is not an access token
		rejected(18, "dpop+jwt", servertest.WithHeader("typ", "dpop+jwt")),
		rejected(18, "logout+jwt", servertest.WithHeader("typ", "logout+jwt")),
		accepted(18, "at+jwt", servertest.WithHeader("typ", "application/at+jwt")),
		// 19: a claim twice
		rejected(19, "the issuer twice", func(d *servertest.JWTDraft) {
			d.Text = fmt.Sprintf(`{"iss":"https://evil.example","iss":%q,"aud":"flowgate","sub":"alice","exp":%d}`,
				servertest.IssuerURL, time.Now().Add(time.Hour).Unix())
		}),
	}
}

// rsaPEM returns the issuer's public key, which every attacker knows.
func rsaPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: servertest.Must(x509.MarshalPKIXPublicKey(servertest.RSAKey().Public()))})
}

// serveLists makes the upstream respond to ListWorkflowExecutions.
func serveLists(g *servertest.Gateway) {
	g.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{}))
}

// sendToBothDoors lists workflows with the token at both doors.
func sendToBothDoors(t *testing.T, g *servertest.Gateway, token string) (api, temporal servertest.Response) {
	t.Helper()
	serveLists(g)
	return get(servertest.WorkflowsPath, servertest.Bearer(token)...).Send(t, g), get(temporalWorkflowsPath, servertest.Bearer(token)...).Send(t, g)
}

// requireAccepted requires that both doors accept the token.
func requireAccepted(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer, token string) string {
	t.Helper()
	before := g.UpstreamCalls()
	api, temporal := sendToBothDoors(t, g, token)
	require.Equal(t, http.StatusOK, api.Status, api.Body)
	require.Equal(t, http.StatusOK, temporal.Status, temporal.Body)
	require.Equal(t, before+2, g.UpstreamCalls())
	return fmt.Sprintf("200 at both doors, %d fetches", issuer.Fetches())
}

// requireRejectedWithoutFetch requires that both doors reject the token, and that the gateway does not fetch the
// issuer's keys for it.
func requireRejectedWithoutFetch(t *testing.T, g *servertest.Gateway, issuer *servertest.Issuer, token string) string {
	t.Helper()
	fetches := issuer.Fetches()
	requireRejected(t, g, token)
	require.Equal(t, fetches, issuer.Fetches(), "the token must not trigger a fetch")
	return "401 invalid-token at both doors, 0 fetches, 0 upstream calls"
}

// requireRejected requires that both doors reject the token without an upstream call, with a response that does not
// name the reason.
func requireRejected(t *testing.T, g *servertest.Gateway, token string) {
	t.Helper()
	before := g.UpstreamCalls()
	const challenge = `Bearer realm="flowgate", error="invalid_token"`
	api, temporal := sendToBothDoors(t, g, token)
	require.Equal(t, http.StatusUnauthorized, api.Status, api.Body)
	requireWellFormed(t, api, "invalid-token")
	require.Equal(t, "The token is not valid.", api.Field(t, "detail"))
	require.Equal(t, challenge, api.Header.Get("WWW-Authenticate"))
	servertest.RequireRPCError(t, temporal, http.StatusUnauthorized, codes.Unauthenticated)
	require.Equal(t, challenge, temporal.Header.Get("WWW-Authenticate"))
	require.Equal(t, before, g.UpstreamCalls())
}
