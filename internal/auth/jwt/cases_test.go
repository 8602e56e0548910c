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

// TestHostileTokens verifies one token per case, in groups of related attacks.
func TestHostileTokens(t *testing.T) {
	t.Parallel()
	ed, rs, es := newEd25519(t, "ed"), newRSA(t, "rs", 2048), newEC(t, "es", p256())
	otherKey := newEd25519(t, "ed")
	ps := &signer{kid: "rs", method: gojwt.SigningMethodPS256, private: rs.private}
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(ed.jwk(nil), rs.jwk(nil), es.jwk(nil)), issuerSettings())
		now := time.Now()
		withClaims := func(other jsonObject) string { return ed.sign(t, ed.header(nil), claims(now, other)) }
		withHeader := func(other jsonObject) string { return ed.sign(t, ed.header(other), claims(now, nil)) }
		replaceInClaims := func(from, to string) string {
			text := jsonOf(t, claims(now, nil))
			require.Contains(t, text, from)
			return ed.signText(t, jsonOf(t, ed.header(nil)), strings.Replace(text, from, to, 1))
		}
		exp := strconv.FormatInt(now.Add(time.Hour).Unix(), 10)
		valid := ed.validToken(t)
		segments := strings.Split(valid, ".")
		for _, test := range []struct {
			group string
			name  string
			token string
			cause string // part of the logged cause; empty if the token is valid
		}{
			{"format", "9 KiB", withClaims(jsonObject{"filler": strings.Repeat("x", 9<<10)}), "too long"},
			{"format", "8 KiB of dots", strings.Repeat(".", 8<<10), "three segments"},
			{"format", "empty", "", "three segments"},
			{"format", "two segments", segments[0] + "." + segments[1], "three segments"},
			{"format", "five segments (JWE)", valid + ".." + segments[2], "three segments"},
			{"format", "padded", segments[0] + "." + segments[1] + "." + segments[2] + "==", "base64url"},
			{"format", "line break", segments[0] + "." + segments[1] + "." + segments[2][:8] + "\n" + segments[2][8:], "line break"},
			{"format", "non-canonical last character", valid[:len(valid)-1] + flipLastBit(valid[len(valid)-1]), "base64url"},
			{"format", "header not an object", "W10." + segments[1] + "." + segments[2], "JSON object"},
			{"format", "header null", "bnVsbA." + segments[1] + "." + segments[2], "JSON object"},
			{"format", "claims not JSON", segments[0] + ".e317fQ." + segments[2], "JSON object"},
			{"format", "claims not UTF-8", ed.signText(t, jsonOf(t, ed.header(nil)), "{\"iss\":\"\xff\"}"), "JSON object"},

			{"algorithm", "none", unsigned(t, "none"), "algorithm"},
			{"algorithm", "None", unsigned(t, "None"), "algorithm"},
			{"algorithm", "HS256 with the PEM of the RSA key as secret", algorithmConfusion(t, rs), "algorithm"},
			{"algorithm", "no alg", withHeader(jsonObject{"alg": nil}), "alg"},
			{"algorithm", "alg not a string", withHeader(jsonObject{"alg": 1}), "alg"},

			{"key type", "alg of EC, kid of RSA", es.sign(t, es.header(jsonObject{"kid": "rs"}), claims(now, nil)), "no single key"},
			{"key type", "alg of EdDSA, kid of EC", ed.sign(t, ed.header(jsonObject{"kid": "es"}), claims(now, nil)), "no single key"},
			{"key type", "PS256 not allowed", ps.validToken(t), "algorithm"},
			{"key type", "RS256", rs.validToken(t), ""},
			{"key type", "ES256", es.validToken(t), ""},
			{"signature", "wrong key, same kid", otherKey.validToken(t), "signature"},
			{"signature", "signature of other claims", segments[0] + "." + strings.Split(withClaims(jsonObject{"sub": "bob"}), ".")[1] + "." + segments[2], "signature"},
			{"signature", "no signature", segments[0] + "." + segments[1] + ".", "signature"},

			{"expiry", "expired beyond the leeway", withClaims(jsonObject{"exp": now.Add(-31 * time.Second).Unix(), "iat": nil}), "expired"},
			{"expiry", "expired inside the leeway", withClaims(jsonObject{"exp": now.Add(-29 * time.Second).Unix(), "iat": nil}), ""},
			{"exp and iat", "no exp", withClaims(jsonObject{"exp": nil}), "exp is missing"},
			{"exp and iat", "exp null", replaceInClaims(`"exp":`+exp, `"exp":null`), "exp is not a time"},
			{"exp and iat", "exp as string", replaceInClaims(`"exp":`+exp, `"exp":"`+exp+`"`), "exp is not a time"},
			{"exp and iat", "exp 1e300", replaceInClaims(`"exp":`+exp, `"exp":1e300`), "exp is not a time"},
			{"exp and iat", "exp 1e400", replaceInClaims(`"exp":`+exp, `"exp":1e400`), "JSON object"},
			{"exp and iat", "exp negative", replaceInClaims(`"exp":`+exp, `"exp":-1`), "exp is not a time"},
			{"exp and iat", "exp zero", replaceInClaims(`"exp":`+exp, `"exp":0`), "exp is not a time"},
			{"exp and iat", "exp with a fraction", replaceInClaims(`"exp":`+exp, `"exp":`+exp+`.5`), ""},
			{"exp and iat", "lifetime over a day", withClaims(jsonObject{"exp": now.Add(25 * time.Hour).Unix()}), "too long"},
			{"exp and iat", "lifetime over a day, no iat", withClaims(jsonObject{"exp": now.Add(25 * time.Hour).Unix(), "iat": nil}), "too long"},
			{"exp and iat", "no iat", withClaims(jsonObject{"iat": nil}), ""},
			{"exp and iat", "iat long ago", withClaims(jsonObject{"iat": 1}), "too long"},
			{"exp and iat", "iat as string", withClaims(jsonObject{"iat": "1"}), "iat is not a time"},
			{"future", "nbf in the future", withClaims(jsonObject{"nbf": now.Add(time.Minute).Unix()}), "not valid yet"},
			{"future", "nbf inside the leeway", withClaims(jsonObject{"nbf": now.Add(20 * time.Second).Unix()}), ""},
			{"future", "iat in the future", withClaims(jsonObject{"iat": now.Add(time.Minute).Unix()}), "before issued"},

			{"issuer", "wrong iss", withClaims(jsonObject{"iss": "https://evil.example"}), "not configured"},
			{"issuer", "iss with a slash", withClaims(jsonObject{"iss": issuerURL + "/"}), "not configured"},
			{"issuer", "iss in upper case", withClaims(jsonObject{"iss": strings.ToUpper(issuerURL)}), "not configured"},
			{"issuer", "no iss", withClaims(jsonObject{"iss": nil}), "not configured"},
			{"issuer", "iss not a string", withClaims(jsonObject{"iss": []string{issuerURL}}), "not configured"},
			{"audience", "no aud", withClaims(jsonObject{"aud": nil}), "missing required claim"},
			{"audience", "empty aud", withClaims(jsonObject{"aud": ""}), "missing required claim"},
			{"audience", "wrong aud", withClaims(jsonObject{"aud": "other"}), "audience"},
			{"audience", "aud an object", withClaims(jsonObject{"aud": jsonObject{"flowgate": true}}), "missing required claim"},
			{"audience", "aud with a number", withClaims(jsonObject{"aud": []any{1, audience}}), "invalid type"},
			{"audience", "aud is a list with the audience", withClaims(jsonObject{"aud": []string{"other", audience}}), ""},

			{"header", "crit", withHeader(jsonObject{"crit": []string{"foo"}}), "crit"},
			{"header", "b64", withHeader(jsonObject{"b64": false}), "b64"},
			{"header", "jwk", withHeader(jsonObject{"jwk": otherKey.jwk(nil)}), "jwk"},
			{"header", "jku", withHeader(jsonObject{"jku": "https://evil.example/jwks"}), "jku"},
			{"header", "x5u", withHeader(jsonObject{"x5u": "https://evil.example/cert"}), "x5u"},
			{"header", "x5c", withHeader(jsonObject{"x5c": []string{"MII"}}), "x5c"},
			{"token type", "typ dpop+jwt", withHeader(jsonObject{"typ": "dpop+jwt"}), "typ"},
			{"token type", "typ logout+jwt", withHeader(jsonObject{"typ": "logout+jwt"}), "typ"},
			{"token type", "typ not a string", withHeader(jsonObject{"typ": 1}), "typ"},
			{"token type", "typ empty", withHeader(jsonObject{"typ": ""}), "typ"},
			{"token type", "typ at+jwt", withHeader(jsonObject{"typ": "at+jwt"}), ""},
			{"token type", "typ application/at+JWT", withHeader(jsonObject{"typ": "application/at+JWT"}), ""},
			{"token type", "no typ", withHeader(jsonObject{"typ": nil}), ""},
			{"token type", "ID token by nonce", withClaims(jsonObject{"nonce": "n"}), "ID token"},
			{"token type", "ID token by at_hash", withClaims(jsonObject{"at_hash": "h"}), "ID token"},
			{"duplicates", "iss twice", replaceInClaims(`{`, `{"iss":"https://evil.example",`), "duplicate members"},
			{"duplicates", "nested member twice", replaceInClaims(`{`, `{"a":{"b":1,"b":1},`), "duplicate members"},
			{"duplicates", "iss twice, once with an escape", replaceInClaims(`{`, `{"\u0069ss":"https://evil.example",`), "duplicate members"},
			{"duplicates", "alg twice", ed.signText(t, `{"alg":"EdDSA","alg":"EdDSA","kid":"ed"}`, jsonOf(t, claims(now, nil))), "duplicate members"},

			{"kid", "kid not a string", withHeader(jsonObject{"kid": 1}), "kid"},
			{"kid", "kid empty", withHeader(jsonObject{"kid": ""}), "kid"},
			{"kid", "kid of 129 bytes", withHeader(jsonObject{"kid": strings.Repeat("k", 129)}), "kid"},
			{"kid", "kid not printable", withHeader(jsonObject{"kid": "a\nb"}), "kid"},
			{"kid", "no kid, one key fits", withHeader(jsonObject{"kid": nil}), ""},
			{"subject", "no sub", withClaims(jsonObject{"sub": nil}), "the caller's name"},
			{"subject", "sub not a string", withClaims(jsonObject{"sub": 7}), "the caller's name"},
			{"subject", "sub of 256 bytes", withClaims(jsonObject{"sub": strings.Repeat("s", 256)}), "the caller's name"},
			{"subject", "sub of 255 bytes", withClaims(jsonObject{"sub": strings.Repeat("s", 255)}), ""},
			{"subject", "sub with a line break", withClaims(jsonObject{"sub": "a\nb"}), "the caller's name"},
			{"subject", "sub with a C1 control", withClaims(jsonObject{"sub": "a\u0085b"}), "the caller's name"},
			{"valid", "valid", valid, ""},
		} {
			t.Logf("%s: %s", test.group, test.name)
			if test.cause == "" {
				require.NotNil(t, f.accepts(t, test.token), test.name)
				continue
			}
			require.Contains(t, f.rejects(t, test.token), test.cause, test.name)
		}
		require.Equal(t, []string{jwksURL}, f.idp.fetches(), "no token makes the gateway send another request")
	})
}

// flipLastBit returns the base64url character that differs from last only in its last bit, which is unused at the end
// of an Ed25519 signature.
func flipLastBit(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)^1])
}

func unsigned(t *testing.T, alg string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"`+alg+`","kid":"rs"}`)) + "." + encode([]byte(jsonOf(t, claims(time.Now(), nil)))) + "."
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
