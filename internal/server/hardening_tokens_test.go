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

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostileTokens are the cases about single tokens of an issuer.
func hostileTokens() []hostile {
	row := func(number int, name string, act func(*testing.T, *gateway, *issuer, string) string, changes []func(*draft)) hostile {
		from := newIssuer()
		return hostile{number: number, name: name, issuer: from, act: func(t *testing.T, g *gateway) string {
			t.Helper()
			return act(t, g, from, token(changes...))
		}}
	}
	bad := func(number int, name string, changes ...func(*draft)) hostile {
		return row(number, name, refusesToken, changes)
	}
	good := func(number int, name string, changes ...func(*draft)) hostile {
		return row(number, name, takesToken, changes)
	}
	ec := gojwt.SigningMethodES256
	none := func(d *draft) { d.method, d.key = gojwt.SigningMethodNone, gojwt.UnsafeAllowNoneSignatureType }
	return []hostile{
		bad(9, "alg none", none, parameter("alg", "none")),
		bad(9, "alg None", none, parameter("alg", "None")),
		bad(9, "HS256 by the public key", signedBy("rsa", gojwt.SigningMethodHS256, rsaPEM())),
		good(10, "RS256", signedBy("rsa", gojwt.SigningMethodRS256, rsaKey())),
		bad(10, "ES256 by the name of an RSA key", parameter("kid", "rsa")),
		bad(10, "PS256", signedBy("rsa", gojwt.SigningMethodPS256, rsaKey())),
		bad(11, "another's key by the name of the issuer's", signedBy("ec", ec, forgerKey())),
		bad(12, "expired beyond the leeway", within("iat", -time.Hour), within("exp", -31*time.Second)),
		good(12, "expired within the leeway", within("iat", -time.Hour), within("exp", -29*time.Second)),
		bad(13, "no exp", claim("exp", nil)),
		bad(13, "exp is a text", claim("exp", "4102444800")),
		bad(13, "exp is beyond all time", claim("exp", 1e300)),
		bad(14, "nbf is to come", within("nbf", time.Minute)),
		bad(14, "iat is to come", within("iat", time.Minute)),
		bad(15, "another issuer", claim("iss", "https://evil.example")),
		bad(15, "a slash behind the issuer", claim("iss", issuerURL+"/")),
		bad(15, "no issuer", claim("iss", nil)),
		bad(16, "no audience", claim("aud", nil)),
		bad(16, "another audience", claim("aud", "other")),
		bad(16, "the audience is an object", claim("aud", map[string]string{"flowgate": "flowgate"})),
		good(16, "one of several audiences", claim("aud", []string{"other", "flowgate"})),
		bad(17, "crit", parameter("crit", []string{"foo"}), parameter("foo", 1)),
		bad(17, "b64", parameter("b64", false)),
		bad(17, "a key of its own", signedBy("ec", ec, forgerKey()), parameter("jwk", jose.JSONWebKey{Key: forgerKey().Public()})),
		bad(17, "jku", parameter("jku", "https://evil.example/jwks")),
		bad(17, "x5u", parameter("x5u", "https://evil.example/x5u")),
		bad(18, "dpop+jwt", parameter("typ", "dpop+jwt")),
		bad(18, "logout+jwt", parameter("typ", "logout+jwt")),
		good(18, "at+jwt", parameter("typ", "application/at+jwt")),
		bad(19, "the issuer twice", func(d *draft) {
			d.text = fmt.Sprintf(`{"iss":"https://evil.example","iss":%q,"aud":"flowgate","sub":"alice","exp":%d}`,
				issuerURL, time.Now().Add(time.Hour).Unix())
		}),
	}
}

// rsaPEM is the issuer's public key as anybody can have it.
func rsaPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(rsaKey().Public()))})
}

const temporalWorkflows = "/api/v1/namespaces/default/workflows"

// lists has the upstream answer lists of workflows.
func lists(g *gateway) {
	g.upstream.Handle("ListWorkflowExecutions", upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{}))
}

// withToken asks both doors.
func withToken(t *testing.T, g *gateway, token string) (api, temporal answered) {
	t.Helper()
	lists(g)
	return get(workflows, bearer(token)...).send(t, g), get(temporalWorkflows, bearer(token)...).send(t, g)
}

// takesToken holds both doors to letting the token in.
func takesToken(t *testing.T, g *gateway, from *issuer, token string) string {
	t.Helper()
	before := g.asked()
	api, temporal := withToken(t, g, token)
	require.Equal(t, http.StatusOK, api.status, api.body)
	require.Equal(t, http.StatusOK, temporal.status, temporal.body)
	require.Equal(t, before+2, g.asked())
	return fmt.Sprintf("200 at both doors, %d fetches", from.fetches())
}

// refusesToken holds both doors to refusing the token, with the one answer that
// there is for all reasons, and without asking the issuer.
func refusesToken(t *testing.T, g *gateway, from *issuer, token string) string {
	t.Helper()
	fetches := from.fetches()
	refused(t, g, token)
	require.Equal(t, fetches, from.fetches(), "a token makes nobody ask")
	return "401 invalid-token at both doors, 0 fetches, 0 upstream calls"
}

// refused is refusesToken for a token that may make the gateway ask the issuer.
func refused(t *testing.T, g *gateway, token string) {
	t.Helper()
	before := g.asked()
	const challenge = `Bearer realm="flowgate", error="invalid_token"`
	api, temporal := withToken(t, g, token)
	require.Equal(t, http.StatusUnauthorized, api.status, api.body)
	requireForm(t, api, "invalid-token")
	require.Equal(t, "The token is not valid.", api.field(t, "detail"))
	require.Equal(t, challenge, api.header.Get("WWW-Authenticate"))
	requireStatus(t, temporal, http.StatusUnauthorized, codes.Unauthenticated)
	require.Equal(t, challenge, temporal.header.Get("WWW-Authenticate"))
	require.Equal(t, before, g.asked())
}
