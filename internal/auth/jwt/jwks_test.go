package jwt_test

import (
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
)

// A key that cannot be used is skipped. A valid key in the same set is used.
func TestUnusableKeysAreSkipped(t *testing.T) {
	t.Parallel()
	ed, rs, es := newEd25519(t, "x"), newRSA(t, "x", 2048), newEC(t, "x", elliptic.P256())
	weak, p521 := newRSA(t, "x", 1024), newEC(t, "x", elliptic.P521())
	for name, test := range map[string]struct {
		signer *signer
		key    jsonObject
		reason string
	}{
		"use enc":             {rs, rs.jwk(jsonObject{"use": "enc"}), "use"},
		"key_ops, no verify":  {rs, rs.jwk(jsonObject{"key_ops": []string{"sign"}}), "key_ops"},
		"key_ops empty":       {rs, rs.jwk(jsonObject{"key_ops": []string{}}), "key_ops"},
		"unsupported alg":     {rs, rs.jwk(jsonObject{"alg": "RSA-OAEP"}), "none of the issuer's algorithms"},
		"1024-bit modulus":    {weak, weak.jwk(nil), "1024 bits"},
		"8193-bit modulus":    {rs, rs.jwk(jsonObject{"n": encodeSegment(append([]byte{1}, make([]byte, 1024)...))}), "modulus too large"},
		"even exponent":       {rs, rs.jwk(jsonObject{"e": "BA"}), "invalid modulus or exponent"},
		"exponent 1":          {rs, rs.jwk(jsonObject{"e": "AQ"}), "bad e value"},
		"long exponent":       {rs, rs.jwk(jsonObject{"e": "AQAAAAAB"}), "invalid modulus or exponent"},
		"negative exponent":   {rs, rs.jwk(jsonObject{"e": "_____w"}), "invalid modulus or exponent"},
		"ten-byte exponent":   {rs, rs.jwk(jsonObject{"e": "AQAAAAAAAAAAAQ"}), "bad e value"},
		"private prime":       {rs, rs.jwk(jsonObject{"p": "AQAB"}), "private"},
		"padded exponent":     {rs, rs.jwk(jsonObject{"e": "AQ=="}), "illegal base64"},
		"no modulus":          {rs, rs.jwk(jsonObject{"n": nil}), "missing n/e"},
		"private exponent":    {rs, rs.jwk(jsonObject{"d": "AQAB"}), "private"},
		"symmetric key":       {rs, jsonObject{"kty": "oct", "kid": "x", "k": marker}, "private"},
		"P-521":               {es, p521.jwk(nil), "not on P-256"},
		"point off the curve": {es, es.jwk(jsonObject{"y": encodeSegment(make([]byte, 32))}), "not on declared curve"},
		"short coordinate":    {es, es.jwk(jsonObject{"y": "AQ"}), "wrong length for y"},
		"X25519":              {ed, ed.jwk(jsonObject{"crv": "X25519"}), "not RSA, EC"},
		"short Ed25519":       {ed, ed.jwk(jsonObject{"x": "AQ"}), "wrong length for x"},
		"no kty":              {ed, ed.jwk(jsonObject{"kty": nil}), "missing json web key type"},
		"number as kid":       {ed, ed.jwk(jsonObject{"kid": 1}), "not a JSON Web Key"},
		"kid with line break": {ed, ed.jwk(jsonObject{"kid": "a\nb"}), "printable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			valid := newEd25519(t, "good")
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(test.key, valid.jwk(nil)), issuerSettings())
				f.rejects(t, test.signer.validToken(t))
				f.accepts(t, valid.validToken(t))
				require.Contains(t, f.log.String(), "keys[0]: ")
				require.Contains(t, f.log.String(), test.reason)
			})
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(test.key), issuerSettings())
				require.ErrorContains(t, f.Ready(), "no usable key")
				f.requireUnavailable(t, valid.validToken(t))
			})
		})
	}
}

func TestKeyIsUsedOnlyForItsAlgorithm(t *testing.T) {
	t.Parallel()
	rs := newRSA(t, "rs", 2048)
	issuer := issuerSettings()
	issuer.Algorithms = []string{"RS256", "RS512", "PS256"}
	signerWith := func(method gojwt.SigningMethod) *signer {
		return &signer{kid: "rs", method: method, private: rs.private}
	}
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(rs.jwk(jsonObject{"alg": "PS256", "key_ops": []string{"verify"}, "use": nil})), issuer)
		f.accepts(t, signerWith(gojwt.SigningMethodPS256).validToken(t))
		f.rejects(t, signerWith(gojwt.SigningMethodRS256).validToken(t))
	})
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(rs.jwk(nil)), issuer)
		f.accepts(t, signerWith(gojwt.SigningMethodPS256).validToken(t))
		f.accepts(t, signerWith(gojwt.SigningMethodRS512).validToken(t))
	})
	// Some issuers publish the same key once per algorithm.
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(rs.jwk(jsonObject{"alg": "RS256"}), rs.jwk(jsonObject{"alg": "PS256"})), issuer)
		f.accepts(t, signerWith(gojwt.SigningMethodPS256).validToken(t))
		f.accepts(t, signerWith(gojwt.SigningMethodRS256).validToken(t))
	})
}

func TestES384(t *testing.T) {
	t.Parallel()
	es256, es384 := newEC(t, "p256", elliptic.P256()), newEC(t, "p384", elliptic.P384())
	issuer := issuerSettings()
	issuer.Algorithms = []string{"ES256", "ES384"}
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(es256.jwk(nil), es384.jwk(nil)), issuer)
		f.accepts(t, es384.validToken(t))
		f.accepts(t, es256.validToken(t))
		f.rejects(t, es256.sign(t, es256.header(jsonObject{"kid": "p384"}), claims(time.Now(), nil)))
	})
}

// A token without kid is valid only if exactly one key supports its algorithm.
func TestTokenWithoutKid(t *testing.T) {
	t.Parallel()
	one, two, es := newEd25519(t, "one"), newEd25519(t, "two"), newEC(t, "es", elliptic.P256())
	withoutKid := func(s *signer) string { return s.sign(t, s.header(jsonObject{"kid": nil}), claims(time.Now(), nil)) }
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(one.jwk(jsonObject{"kid": nil})), issuerSettings())
		f.accepts(t, withoutKid(one))
		require.Contains(t, f.rejects(t, withoutKid(two)), "signature")
		f.rejects(t, one.validToken(t))
	})
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(one.jwk(nil), two.jwk(nil), es.jwk(nil)), issuerSettings())
		require.Contains(t, f.rejects(t, withoutKid(one)), "no single key")
		f.accepts(t, withoutKid(es))
	})
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(one.jwk(nil), two.jwk(jsonObject{"kid": "one"})), issuerSettings())
		require.Contains(t, f.rejects(t, one.validToken(t)), "no single key", "two keys with one kid are ambiguous")
	})
}

// TestKeysAreFetchedOverTLS fetches keys from a real server, with and without the file of its CA certificate.
func TestKeysAreFetchedOverTLS(t *testing.T) {
	t.Parallel()
	rs := newRSA(t, "rs", 2048)
	require.IsType(t, &rsa.PublicKey{}, rs.private.Public())
	server := httptest.NewTLSServer(newIDP(rs.jwk(nil)))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for caFile, trusted := range map[string]bool{writeFile(t, authority): true, "": false} {
		issuer := issuerSettings()
		issuer.JWKSURL, issuer.CAFile = server.URL, caFile
		fetched := make(chan error, 1)
		verifier, err := jwt.New([]config.Issuer{issuer}, jwt.Options{OnFetch: func(_ string, err error) {
			select {
			case fetched <- err:
			default:
			}
		}})
		require.NoError(t, err)
		runWatch(t, verifier)
		err = <-fetched
		if !trusted {
			require.ErrorContains(t, err, "certificate")
			continue
		}
		require.NoError(t, err)
		_, err = verifier.Verify(t.Context(), rs.validToken(t))
		require.NoError(t, err)
	}
}

func (i *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.handler(w, r) }
