package mint_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/mint"
)

func TestEveryCommonKeyFormatIsAccepted(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(ec)
	require.NoError(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, c := range map[string]struct{ algorithm, file string }{
		"ES256 as PKCS#8":            {"ES256", pkcs8(t, ec)},
		"ES256 as SEC1":              {"ES256", pemBlock("EC PRIVATE KEY", sec1)},
		"ES256 as openssl writes it": {"ES256", pemBlock("EC PARAMETERS", []byte{6, 1, 1}) + pemBlock("EC PRIVATE KEY", sec1)},
		"RS256 as PKCS#8":            {"RS256", pkcs8(t, rs)},
		"RS256 as PKCS#1":            {"RS256", pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs))},
		"with text between keys":     {"ES256", "# of June\n" + pkcs8(t, ec) + "\n# of May\n" + ecKey(t) + "\n"},
	} {
		cfg := settings(writeFile(t, c.file))
		cfg.Algorithm = c.algorithm
		signer := openSigner(t, cfg)
		token, err := fetchKeys(t, signer).verify(tokenFor(t, signer, readCall("dev", "default")))
		require.NoError(t, err, name)
		require.Equal(t, c.algorithm, token.Method.Alg(), name)
		requirePublic(t, signer.JWKS())
	}
}

// requirePublic requires that the keys in a set have only the members of public keys (RFC 7518 section 6).
func requirePublic(t *testing.T, jwks []byte) {
	t.Helper()
	var set map[string][]map[string]any
	require.NoError(t, json.Unmarshal(jwks, &set))
	require.Len(t, set, 1)
	for _, k := range set["keys"] {
		want := []string{"use", "kty", "kid", "alg", "crv", "x", "y"}
		if k["kty"] == "RSA" {
			want = []string{"use", "kty", "kid", "alg", "n", "e"}
		}
		require.Len(t, k, len(want))
		for _, member := range want {
			require.Contains(t, k, member)
		}
	}
}

// A thumbprint is the hash of the required members in lexicographic order (RFC 7638 section 3.2).
func TestKidIsTheThumbprint(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	point, err := private.PublicKey.Bytes()
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	members := `{"crv":"P-256","kty":"EC","x":"` + encode(point[1:33]) + `","y":"` + encode(point[33:]) + `"}`
	sum := sha256.Sum256([]byte(members))
	signer := openSigner(t, settings(writeFile(t, pkcs8(t, private))))
	require.Equal(t, encode(sum[:]), kidOf(t, tokenFor(t, signer, readCall("dev", "default"))))
	require.Contains(t, fetchKeys(t, signer), encode(sum[:]))
}

func TestInvalidKeyFiles(t *testing.T) {
	t.Parallel()
	const marker = "MARKER"
	valid := ecKey(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // must be rejected
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&p256.PublicKey)
	require.NoError(t, err)
	const es, rs = "ES256", "RS256"
	for name, c := range map[string]struct{ algorithm, file, want string }{
		"nothing":             {es, "", "contains no PEM private key"},
		"no PEM":              {es, marker, "contains no PEM private key"},
		"P-384":               {es, pkcs8(t, p384), "key 1: is not a P-256 key"},
		"second key is P-384": {es, valid + pkcs8(t, p384), "key 2: is not a P-256 key"},
		"Ed25519":             {es, pkcs8(t, ed), "key 1: is not a P-256 key"},
		"RSA for ES256":       {es, pkcs8(t, small), "key 1: is not a P-256 key"},
		"EC for RS256":        {rs, valid, "key 1: is not an RSA key of 2048 to 8192 bits"},
		"1024-bit RSA key":    {rs, pkcs8(t, small), "key 1: is not an RSA key of 2048 to 8192 bits"},
		"no algorithm":        {"", valid, "must be ES256 or RS256"},
		"a public key":        {es, pemBlock("PUBLIC KEY", public), "key 1: is not a private key"},
		"a certificate":       {es, valid + pemBlock("CERTIFICATE", []byte(marker)), "key 2: is not a private key"},
		"invalid DER":         {es, pemBlock("PRIVATE KEY", []byte(marker)), "key 1: does not match the type of its PEM block"},
		"DER of another type": {es, pemBlock("EC PRIVATE KEY", []byte(marker)), "key 1: does not match the type of its PEM block"},
		"encrypted":           {es, pemBlock("ENCRYPTED PRIVATE KEY", []byte(marker)), "key 1: is encrypted"},
		"encrypted, in the old format": {
			es, strings.Replace(valid, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "+marker+"\n\n", 1), "key 1: is encrypted",
		},
		"duplicate":           {es, valid + ecKey(t) + valid, "key 3: duplicates key 1"},
		"truncated":           {es, ecKey(t) + valid[:len(valid)/2], "malformed PEM block"},
		"damaged, then valid": {es, strings.Replace(ecKey(t), "M", "*", 1) + valid, "malformed PEM block"},
	} {
		cfg := settings(writeFile(t, c.file))
		cfg.Algorithm = c.algorithm
		_, err := mint.Open(cfg, mint.Options{})
		require.ErrorContains(t, err, c.want, name)
		require.NotContains(t, err.Error(), marker, name)
		require.NotContains(t, err.Error(), cfg.KeyFile, "%s: the path may be a misplaced key", name)
	}
	_, err = mint.Open(settings(filepath.Join(t.TempDir(), "absent")), mint.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestWorldReadableFileIsReported(t *testing.T) {
	t.Parallel()
	path := writeFile(t, ecKey(t))
	for mode, warnings := range map[os.FileMode]int{0o600: 0, 0o440: 0, 0o644: 1, 0o604: 1} {
		require.NoError(t, os.Chmod(path, mode))
		var recorder reloadRecorder
		_, err := mint.Open(settings(path), recorder.options())
		require.NoError(t, err)
		require.Equal(t, warnings, strings.Count(recorder.log.String(), "level=WARN"), "%o: %s", mode, recorder.log.String())
	}
}
