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

// members are the members of a JSON object.
type members = map[string]any

// TestHostileTokens verifies one token per case, in groups of related attacks.
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
			{"format", "9 KiB", withClaims(members{"filler": strings.Repeat("x", 9<<10)}), "too long"},
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
			{"algorithm", "no alg", withHeader(members{"alg": nil}), "alg"},
			{"algorithm", "alg not a string", withHeader(members{"alg": 1}), "alg"},

			{"key type", "alg of EC, kid of RSA", es.sign(t, es.header(members{"kid": "rs"}), claims(now, nil)), "no single key"},
			{"key type", "alg of EdDSA, kid of EC", ed.sign(t, ed.header(members{"kid": "es"}), claims(now, nil)), "no single key"},
			{"key type", "PS256 not allowed", ps.validToken(t), "algorithm"},
			{"key type", "RS256", rs.validToken(t), ""},
			{"key type", "ES256", es.validToken(t), ""},
			{"signature", "wrong key, same kid", otherKey.validToken(t), "signature"},
			{"signature", "signature of other claims", segments[0] + "." + strings.Split(withClaims(members{"sub": "bob"}), ".")[1] + "." + segments[2], "signature"},
			{"signature", "no signature", segments[0] + "." + segments[1] + ".", "signature"},

			{"expiry", "expired beyond the leeway", withClaims(members{"exp": now.Add(-31 * time.Second).Unix(), "iat": nil}), "expired"},
			{"expiry", "expired inside the leeway", withClaims(members{"exp": now.Add(-29 * time.Second).Unix(), "iat": nil}), ""},
			{"exp and iat", "no exp", withClaims(members{"exp": nil}), "exp is missing"},
			{"exp and iat", "exp null", replaceInClaims(`"exp":`+exp, `"exp":null`), "exp is not a time"},
			{"exp and iat", "exp as string", replaceInClaims(`"exp":`+exp, `"exp":"`+exp+`"`), "exp is not a time"},
			{"exp and iat", "exp 1e300", replaceInClaims(`"exp":`+exp, `"exp":1e300`), "exp is not a time"},
			{"exp and iat", "exp 1e400", replaceInClaims(`"exp":`+exp, `"exp":1e400`), "JSON object"},
			{"exp and iat", "exp negative", replaceInClaims(`"exp":`+exp, `"exp":-1`), "exp is not a time"},
			{"exp and iat", "exp zero", replaceInClaims(`"exp":`+exp, `"exp":0`), "exp is not a time"},
			{"exp and iat", "exp with a fraction", replaceInClaims(`"exp":`+exp, `"exp":`+exp+`.5`), ""},
			{"exp and iat", "lifetime over a day", withClaims(members{"exp": now.Add(25 * time.Hour).Unix()}), "too long"},
			{"exp and iat", "lifetime over a day, no iat", withClaims(members{"exp": now.Add(25 * time.Hour).Unix(), "iat": nil}), "too long"},
			{"exp and iat", "no iat", withClaims(members{"iat": nil}), ""},
			{"exp and iat", "iat long ago", withClaims(members{"iat": 1}), "too long"},
			{"exp and iat", "iat as string", withClaims(members{"iat": "1"}), "iat is not a time"},
			{"future", "nbf in the future", withClaims(members{"nbf": now.Add(time.Minute).Unix()}), "not valid yet"},
			{"future", "nbf inside the leeway", withClaims(members{"nbf": now.Add(20 * time.Second).Unix()}), ""},
			{"future", "iat in the future", withClaims(members{"iat": now.Add(time.Minute).Unix()}), "before issued"},

			{"issuer", "wrong iss", withClaims(members{"iss": "https://evil.example"}), "not configured"},
			{"issuer", "iss with a slash", withClaims(members{"iss": issuerURL + "/"}), "not configured"},
			{"issuer", "iss in upper case", withClaims(members{"iss": strings.ToUpper(issuerURL)}), "not configured"},
			{"issuer", "no iss", withClaims(members{"iss": nil}), "not configured"},
			{"issuer", "iss not a string", withClaims(members{"iss": []string{issuerURL}}), "not configured"},
			{"audience", "no aud", withClaims(members{"aud": nil}), "missing required claim"},
			{"audience", "empty aud", withClaims(members{"aud": ""}), "missing required claim"},
			{"audience", "wrong aud", withClaims(members{"aud": "other"}), "audience"},
			{"audience", "aud an object", withClaims(members{"aud": members{"flowgate": true}}), "missing required claim"},
			{"audience", "aud with a number", withClaims(members{"aud": []any{1, audience}}), "invalid type"},
			{"audience", "aud is a list with the audience", withClaims(members{"aud": []string{"other", audience}}), ""},

			{"header", "crit", withHeader(members{"crit": []string{"foo"}}), "crit"},
			{"header", "b64", withHeader(members{"b64": false}), "b64"},
			{"header", "jwk", withHeader(members{"jwk": otherKey.jwk(nil)}), "jwk"},
			{"header", "jku", withHeader(members{"jku": "https://evil.example/jwks"}), "jku"},
			{"header", "x5u", withHeader(members{"x5u": "https://evil.example/cert"}), "x5u"},
			{"header", "x5c", withHeader(members{"x5c": []string{"MII"}}), "x5c"},
			{"token type", "typ dpop+jwt", withHeader(members{"typ": "dpop+jwt"}), "typ"},
			{"token type", "typ logout+jwt", withHeader(members{"typ": "logout+jwt"}), "typ"},
			{"token type", "typ not a string", withHeader(members{"typ": 1}), "typ"},
			{"token type", "typ empty", withHeader(members{"typ": ""}), "typ"},
			{"token type", "typ at+jwt", withHeader(members{"typ": "at+jwt"}), ""},
			{"token type", "typ application/at+JWT", withHeader(members{"typ": "application/at+JWT"}), ""},
			{"token type", "no typ", withHeader(members{"typ": nil}), ""},
			{"token type", "ID token by nonce", withClaims(members{"nonce": "n"}), "ID token"},
			{"token type", "ID token by at_hash", withClaims(members{"at_hash": "h"}), "ID token"},
			{"duplicates", "iss twice", replaceInClaims(`{`, `{"iss":"https://evil.example",`), "duplicate members"},
			{"duplicates", "nested member twice", replaceInClaims(`{`, `{"a":{"b":1,"b":1},`), "duplicate members"},
			{"duplicates", "iss twice, once with an escape", replaceInClaims(`{`, `{"\u0069ss":"https://evil.example",`), "duplicate members"},
			{"duplicates", "alg twice", ed.signText(t, `{"alg":"EdDSA","alg":"EdDSA","kid":"ed"}`, jsonOf(t, claims(now, nil))), "duplicate members"},

			{"kid", "kid not a string", withHeader(members{"kid": 1}), "kid"},
			{"kid", "kid empty", withHeader(members{"kid": ""}), "kid"},
			{"kid", "kid of 129 bytes", withHeader(members{"kid": strings.Repeat("k", 129)}), "kid"},
			{"kid", "kid not printable", withHeader(members{"kid": "a\nb"}), "kid"},
			{"kid", "no kid, one key fits", withHeader(members{"kid": nil}), ""},
			{"subject", "no sub", withClaims(members{"sub": nil}), "the caller's name"},
			{"subject", "sub not a string", withClaims(members{"sub": 7}), "the caller's name"},
			{"subject", "sub of 256 bytes", withClaims(members{"sub": strings.Repeat("s", 256)}), "the caller's name"},
			{"subject", "sub of 255 bytes", withClaims(members{"sub": strings.Repeat("s", 255)}), ""},
			{"subject", "sub with a line break", withClaims(members{"sub": "a\nb"}), "the caller's name"},
			{"subject", "sub with a C1 control", withClaims(members{"sub": "a\u0085b"}), "the caller's name"},
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
