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

// An unusable key is skipped, and a usable one in the same set is not.
func TestUnusableKeysAreSkipped(t *testing.T) {
	t.Parallel()
	ed, rs, es := newEd25519(t, "x"), newRSA(t, "x", 2048), newEC(t, "x", elliptic.P256())
	weak, other := newRSA(t, "x", 1024), newEC(t, "x", elliptic.P521())
	for name, test := range map[string]struct {
		signer *signer
		key    members
		reason string
	}{
		"use enc":             {rs, rs.jwk(members{"use": "enc"}), "use"},
		"key_ops without":     {rs, rs.jwk(members{"key_ops": []string{"sign"}}), "key_ops"},
		"key_ops empty":       {rs, rs.jwk(members{"key_ops": []string{}}), "key_ops"},
		"another alg":         {rs, rs.jwk(members{"alg": "RSA-OAEP"}), "none of the issuer's algorithms"},
		"weak":                {weak, weak.jwk(nil), "1024 bits"},
		"huge":                {rs, rs.jwk(members{"n": encodeSegment(append([]byte{1}, make([]byte, 1024)...))}), "modulus too large"},
		"even exponent":       {rs, rs.jwk(members{"e": "BA"}), "invalid modulus or exponent"},
		"exponent 1":          {rs, rs.jwk(members{"e": "AQ"}), "bad e value"},
		"long exponent":       {rs, rs.jwk(members{"e": "AQAAAAAB"}), "invalid modulus or exponent"},
		"negative exponent":   {rs, rs.jwk(members{"e": "_____w"}), "invalid modulus or exponent"},
		"endless exponent":    {rs, rs.jwk(members{"e": "AQAAAAAAAAAAAQ"}), "bad e value"},
		"private prime":       {rs, rs.jwk(members{"p": "AQAB"}), "private"},
		"padded":              {rs, rs.jwk(members{"e": "AQ=="}), "illegal base64"},
		"no modulus":          {rs, rs.jwk(members{"n": nil}), "missing n/e"},
		"private":             {rs, rs.jwk(members{"d": "AQAB"}), "private"},
		"oct":                 {rs, members{"kty": "oct", "kid": "x", "k": marker}, "private"},
		"P-521":               {es, other.jwk(nil), "not on P-256"},
		"off the curve":       {es, es.jwk(members{"y": encodeSegment(make([]byte, 32))}), "not on declared curve"},
		"short coordinate":    {es, es.jwk(members{"y": "AQ"}), "wrong length for y"},
		"X25519":              {ed, ed.jwk(members{"crv": "X25519"}), "not RSA, EC"},
		"short Ed25519":       {ed, ed.jwk(members{"x": "AQ"}), "wrong length for x"},
		"no kty":              {ed, ed.jwk(members{"kty": nil}), "missing json web key type"},
		"kid number":          {ed, ed.jwk(members{"kid": 1}), "not a JSON Web Key"},
		"kid with line break": {ed, ed.jwk(members{"kid": "a\nb"}), "printable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			valid := newEd25519(t, "good")
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(test.key, valid.jwk(nil)), settings())
				f.rejects(t, test.signer.validToken(t))
				f.accepts(t, valid.validToken(t))
				require.Contains(t, f.log.String(), "keys[0]: ")
				require.Contains(t, f.log.String(), test.reason)
			})
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(test.key), settings())
				require.ErrorContains(t, f.Ready(), "no usable key")
				f.unavailable(t, valid.validToken(t))
			})
		})
	}
}

func TestKeyIsUsedOnlyForItsAlgorithm(t *testing.T) {
	t.Parallel()
	rs := newRSA(t, "rs", 2048)
	issuer := settings()
	issuer.Algorithms = []string{"RS256", "RS512", "PS256"}
	by := func(method gojwt.SigningMethod) *signer {
		return &signer{kid: "rs", method: method, private: rs.private}
	}
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(rs.jwk(members{"alg": "PS256", "key_ops": []string{"verify"}, "use": nil})), issuer)
		f.accepts(t, by(gojwt.SigningMethodPS256).validToken(t))
		f.rejects(t, by(gojwt.SigningMethodRS256).validToken(t))
	})
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(rs.jwk(nil)), issuer)
		f.accepts(t, by(gojwt.SigningMethodPS256).validToken(t))
		f.accepts(t, by(gojwt.SigningMethodRS512).validToken(t))
	})
	// Some issuers publish the same key once per algorithm.
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(rs.jwk(members{"alg": "RS256"}), rs.jwk(members{"alg": "PS256"})), issuer)
		f.accepts(t, by(gojwt.SigningMethodPS256).validToken(t))
		f.accepts(t, by(gojwt.SigningMethodRS256).validToken(t))
	})
}

func TestES384(t *testing.T) {
	t.Parallel()
	small, large := newEC(t, "p256", elliptic.P256()), newEC(t, "p384", elliptic.P384())
	issuer := settings()
	issuer.Algorithms = []string{"ES256", "ES384"}
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(small.jwk(nil), large.jwk(nil)), issuer)
		f.accepts(t, large.validToken(t))
		f.accepts(t, small.validToken(t))
		f.rejects(t, small.sign(t, small.header(members{"kid": "p384"}), claims(time.Now(), nil)))
	})
}

// A token without kid is valid only if exactly one key supports its algorithm.
func TestTokenWithoutKid(t *testing.T) {
	t.Parallel()
	one, two, es := newEd25519(t, "one"), newEd25519(t, "two"), newEC(t, "es", elliptic.P256())
	unnamed := func(s *signer) string { return s.sign(t, s.header(members{"kid": nil}), claims(time.Now(), nil)) }
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(one.jwk(members{"kid": nil})), settings())
		f.accepts(t, unnamed(one))
		require.Contains(t, f.rejects(t, unnamed(two)), "signature")
		f.rejects(t, one.validToken(t))
	})
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(one.jwk(nil), two.jwk(nil), es.jwk(nil)), settings())
		require.Contains(t, f.rejects(t, unnamed(one)), "no single key")
		f.accepts(t, unnamed(es))
	})
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(one.jwk(nil), two.jwk(members{"kid": "one"})), settings())
		require.Contains(t, f.rejects(t, one.validToken(t)), "no single key", "two keys with one kid are ambiguous")
	})
}

// TestKeysAreFetchedOverTLS fetches keys from a real server whose CA certificate is in a file.
func TestKeysAreFetchedOverTLS(t *testing.T) {
	t.Parallel()
	rs := newRSA(t, "rs", 2048)
	require.IsType(t, &rsa.PublicKey{}, rs.private.Public())
	server := httptest.NewTLSServer(newIDP(rs.jwk(nil)))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for caFile, ok := range map[string]bool{writeFile(t, authority): true, "": false} {
		issuer := settings()
		issuer.JWKSURL, issuer.CAFile = server.URL, caFile
		fetched := make(chan error, 1)
		verifier, err := jwt.New([]config.Issuer{issuer}, jwt.Options{OnFetch: func(_ string, err error) {
			select {
			case fetched <- err:
			default:
			}
		}})
		require.NoError(t, err)
		watchFor(t, verifier)
		err = <-fetched
		if !ok {
			require.ErrorContains(t, err, "certificate")
			continue
		}
		require.NoError(t, err)
		_, err = verifier.Verify(t.Context(), rs.validToken(t))
		require.NoError(t, err)
	}
}

func (i *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.handler(w, r) }
