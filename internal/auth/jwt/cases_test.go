package jwt_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

type members = map[string]any

// TestHostileTokens verifies one token per case, in groups of related attacks. An empty cause means that the token is
// valid.
func TestHostileTokens(t *testing.T) {
	t.Parallel()
	ed, rs, es := newEd25519(t, "ed"), newRSA(t, "rs", 2048), newEC(t, "es", p256())
	otherKey := newEd25519(t, "ed")
	ps := &signer{kid: "rs", method: gojwt.SigningMethodPS256, private: rs.private}
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(ed.jwk(nil), rs.jwk(nil), es.jwk(nil)), settings())
		now := time.Now()
		withClaims := func(other members) string { return ed.sign(t, ed.header(nil), claims(now, other)) }
		withHeader := func(other members) string { return ed.sign(t, ed.header(other), claims(now, nil)) }
		claimText := func(from, to string) string {
			text := textOf(t, claims(now, nil))
			require.Contains(t, text, from)
			return ed.signText(t, textOf(t, ed.header(nil)), strings.Replace(text, from, to, 1))
		}
		exp := strconv.FormatInt(now.Add(time.Hour).Unix(), 10)
		valid := ed.validToken(t)
		segments := strings.Split(valid, ".")
		for _, test := range []struct {
			group int
			name  string
			token string
			cause string
		}{
			{8, "9 KiB", withClaims(members{"filler": strings.Repeat("x", 9<<10)}), "too long"},
			{8, "8 KiB of dots", strings.Repeat(".", 8<<10), "three segments"},
			{8, "empty", "", "three segments"},
			{8, "two segments", segments[0] + "." + segments[1], "three segments"},
			{8, "five segments (JWE)", valid + ".." + segments[2], "three segments"},
			{8, "padded", segments[0] + "." + segments[1] + "." + segments[2] + "==", "base64url"},
			{8, "line break", segments[0] + "." + segments[1] + "." + segments[2][:8] + "\n" + segments[2][8:], "line break"},
			{8, "other last bits", valid[:len(valid)-1] + next(valid[len(valid)-1]), "base64url"},
			{8, "header not an object", "W10." + segments[1] + "." + segments[2], "JSON object"},
			{8, "header null", "bnVsbA." + segments[1] + "." + segments[2], "JSON object"},
			{8, "claims not JSON", segments[0] + ".e317fQ." + segments[2], "JSON object"},
			{8, "claims not UTF-8", ed.signText(t, textOf(t, ed.header(nil)), "{\"iss\":\"\xff\"}"), "JSON object"},

			{9, "none", unsigned(t, "none"), "algorithm"},
			{9, "None", unsigned(t, "None"), "algorithm"},
			{9, "HS256 by the PEM of the RSA key", algorithmConfusion(t, rs), "algorithm"},
			{9, "no alg", withHeader(members{"alg": nil}), "alg"},
			{9, "alg not a string", withHeader(members{"alg": 1}), "alg"},

			{10, "alg of EC, kid of RSA", es.sign(t, es.header(members{"kid": "rs"}), claims(now, nil)), "no single key"},
			{10, "alg of EdDSA, kid of EC", ed.sign(t, ed.header(members{"kid": "es"}), claims(now, nil)), "no single key"},
			{10, "PS256 not allowed", ps.validToken(t), "algorithm"},
			{10, "RS256", rs.validToken(t), ""},
			{10, "ES256", es.validToken(t), ""},
			{11, "wrong key, same kid", otherKey.validToken(t), "signature"},
			{11, "signature of other claims", segments[0] + "." + strings.Split(withClaims(members{"sub": "bob"}), ".")[1] + "." + segments[2], "signature"},
			{11, "no signature", segments[0] + "." + segments[1] + ".", "signature"},

			{12, "expired beyond the leeway", withClaims(members{"exp": now.Add(-31 * time.Second).Unix(), "iat": nil}), "expired"},
			{12, "expired inside the leeway", withClaims(members{"exp": now.Add(-29 * time.Second).Unix(), "iat": nil}), ""},
			{13, "no exp", withClaims(members{"exp": nil}), "exp is missing"},
			{13, "exp null", claimText(`"exp":`+exp, `"exp":null`), "exp is not a time"},
			{13, "exp as string", claimText(`"exp":`+exp, `"exp":"`+exp+`"`), "exp is not a time"},
			{13, "exp 1e300", claimText(`"exp":`+exp, `"exp":1e300`), "exp is not a time"},
			{13, "exp 1e400", claimText(`"exp":`+exp, `"exp":1e400`), "JSON object"},
			{13, "exp negative", claimText(`"exp":`+exp, `"exp":-1`), "exp is not a time"},
			{13, "exp zero", claimText(`"exp":`+exp, `"exp":0`), "exp is not a time"},
			{13, "exp with a fraction", claimText(`"exp":`+exp, `"exp":`+exp+`.5`), ""},
			{13, "lifetime over a day", withClaims(members{"exp": now.Add(25 * time.Hour).Unix()}), "too long"},
			{13, "lifetime over a day, no iat", withClaims(members{"exp": now.Add(25 * time.Hour).Unix(), "iat": nil}), "too long"},
			{13, "no iat", withClaims(members{"iat": nil}), ""},
			{13, "iat long ago", withClaims(members{"iat": 1}), "too long"},
			{13, "iat as string", withClaims(members{"iat": "1"}), "iat is not a time"},
			{14, "nbf in the future", withClaims(members{"nbf": now.Add(time.Minute).Unix()}), "not valid yet"},
			{14, "nbf inside the leeway", withClaims(members{"nbf": now.Add(20 * time.Second).Unix()}), ""},
			{14, "iat in the future", withClaims(members{"iat": now.Add(time.Minute).Unix()}), "before issued"},

			{15, "wrong iss", withClaims(members{"iss": "https://evil.example"}), "not configured"},
			{15, "iss with a slash", withClaims(members{"iss": issuerURL + "/"}), "not configured"},
			{15, "iss in upper case", withClaims(members{"iss": strings.ToUpper(issuerURL)}), "not configured"},
			{15, "no iss", withClaims(members{"iss": nil}), "not configured"},
			{15, "iss not a string", withClaims(members{"iss": []string{issuerURL}}), "not configured"},
			{16, "no aud", withClaims(members{"aud": nil}), "missing required claim"},
			{16, "empty aud", withClaims(members{"aud": ""}), "missing required claim"},
			{16, "wrong aud", withClaims(members{"aud": "other"}), "audience"},
			{16, "aud an object", withClaims(members{"aud": members{"flowgate": true}}), "missing required claim"},
			{16, "aud with a number", withClaims(members{"aud": []any{1, audience}}), "invalid type"},
			{16, "aud contains the audience", withClaims(members{"aud": []string{"other", audience}}), ""},

			{17, "crit", withHeader(members{"crit": []string{"foo"}}), "crit"},
			{17, "b64", withHeader(members{"b64": false}), "b64"},
			{17, "jwk", withHeader(members{"jwk": otherKey.jwk(nil)}), "jwk"},
			{17, "jku", withHeader(members{"jku": "https://evil.example/jwks"}), "jku"},
			{17, "x5u", withHeader(members{"x5u": "https://evil.example/cert"}), "x5u"},
			{17, "x5c", withHeader(members{"x5c": []string{"MII"}}), "x5c"},
			{18, "typ dpop+jwt", withHeader(members{"typ": "dpop+jwt"}), "typ"},
			{18, "typ logout+jwt", withHeader(members{"typ": "logout+jwt"}), "typ"},
			{18, "typ not a string", withHeader(members{"typ": 1}), "typ"},
			{18, "typ empty", withHeader(members{"typ": ""}), "typ"},
			{18, "typ at+jwt", withHeader(members{"typ": "at+jwt"}), ""},
			{18, "typ application/at+JWT", withHeader(members{"typ": "application/at+JWT"}), ""},
			{18, "no typ", withHeader(members{"typ": nil}), ""},
			{18, "ID token by nonce", withClaims(members{"nonce": "n"}), "ID token"},
			{18, "ID token by at_hash", withClaims(members{"at_hash": "h"}), "ID token"},
			{19, "iss twice", claimText(`{`, `{"iss":"https://evil.example",`), "duplicate members"},
			{19, "twice further in", claimText(`{`, `{"a":{"b":1,"b":1},`), "duplicate members"},
			{19, "twice by an escape", claimText(`{`, `{"\u0069ss":"https://evil.example",`), "duplicate members"},
			{19, "alg twice", ed.signText(t, `{"alg":"EdDSA","alg":"EdDSA","kid":"ed"}`, textOf(t, claims(now, nil))), "duplicate members"},

			{20, "kid not a string", withHeader(members{"kid": 1}), "kid"},
			{20, "kid empty", withHeader(members{"kid": ""}), "kid"},
			{20, "kid of 129 bytes", withHeader(members{"kid": strings.Repeat("k", 129)}), "kid"},
			{20, "kid not printable", withHeader(members{"kid": "a\nb"}), "kid"},
			{20, "no kid, one key fits", withHeader(members{"kid": nil}), ""},
			{0, "no sub", withClaims(members{"sub": nil}), "the caller's name"},
			{0, "sub not a string", withClaims(members{"sub": 7}), "the caller's name"},
			{0, "sub of 256 bytes", withClaims(members{"sub": strings.Repeat("s", 256)}), "the caller's name"},
			{0, "sub of 255 bytes", withClaims(members{"sub": strings.Repeat("s", 255)}), ""},
			{0, "sub with a line break", withClaims(members{"sub": "a\nb"}), "the caller's name"},
			{0, "sub with a C1 control", withClaims(members{"sub": "a\u0085b"}), "the caller's name"},
			{0, "good", valid, ""},
		} {
			t.Logf("group %d: %s", test.group, test.name)
			if test.cause == "" {
				require.NotNil(t, f.accepts(t, test.token), test.name)
				continue
			}
			require.Contains(t, f.rejects(t, test.token), test.cause, test.name)
		}
		require.Equal(t, []string{jwksURL}, f.idp.fetches(), "no token makes the gateway send another request")
	})
}

// next returns the base64url character that differs from last only in its last bit, which is unused at the end of an
// Ed25519 signature.
func next(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)^1])
}

func unsigned(t *testing.T, alg string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"`+alg+`","kid":"rs"}`)) + "." + encode([]byte(textOf(t, claims(time.Now(), nil)))) + "."
}

// algorithmConfusion returns a token that is signed with HS256 and the public key as the secret.
func algorithmConfusion(t *testing.T, rs *signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(rs.private.Public())
	require.NoError(t, err)
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	token := gojwt.NewWithClaims(gojwt.SigningMethodHS256, gojwt.MapClaims(claims(time.Now(), nil)))
	token.Header["kid"] = "rs"
	text, err := token.SignedString(secret)
	require.NoError(t, err)
	return text
}
