package jwt_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/jwk"
	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
)

func (s *signer) pem(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(s.private.Public())
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// certificate returns a certificate for the key. It has expired, because key files are read regardless of expiry.
func (s *signer) certificate(t testing.TB) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotAfter: time.Now().Add(-time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, s.private.Public(), s.private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (s *signer) pemFile(t testing.TB) string {
	t.Helper()
	return writeFile(t, s.pem(t))
}

func writeFile(t testing.TB, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.pem")
	require.NoError(t, os.WriteFile(path, bytes.Join(parts, []byte("\n")), 0o600))
	return path
}

// newFileFixture returns a fixture whose issuer has the key file at path.
func newFileFixture(t testing.TB, path string) *fixture {
	t.Helper()
	issuer := issuerSettings()
	issuer.JWKSURL, issuer.PublicKeyFile = "", path
	return newFixture(t, nil, issuer)
}

// The kid of a key in a file is its thumbprint. A token with that kid is verified with that key. Any other token is
// verified with the only key of the token's algorithm, and rejected if there are several.
func TestKeysFromFile(t *testing.T) {
	t.Parallel()
	ed, other, es := newEd25519(t, "ed"), newEd25519(t, "other"), newEC(t, "es", elliptic.P256())
	noKid := jsonObject{"kid": nil}
	oneKey := newFileFixture(t, ed.pemFile(t))
	require.NoError(t, oneKey.Ready())
	require.Empty(t, oneKey.KeyAges())
	oneKey.accepts(t, ed.validToken(t))
	oneKey.accepts(t, ed.sign(t, ed.header(noKid), claims(time.Now(), nil)))
	require.Contains(t, oneKey.rejects(t, other.validToken(t)), "signature")
	require.Contains(t, oneKey.rejects(t, es.validToken(t)), "no single key")

	twoAlgorithms := newFileFixture(t, writeFile(t, []byte("# text between keys"), ed.pem(t), es.certificate(t)))
	twoAlgorithms.accepts(t, ed.validToken(t))
	twoAlgorithms.accepts(t, es.validToken(t))
	twoAlgorithms.accepts(t, es.sign(t, es.header(noKid), claims(time.Now(), nil)))

	sameAlgorithm := newFileFixture(t, writeFile(t, ed.pem(t), other.pem(t)))
	require.Contains(t, sameAlgorithm.rejects(t, ed.validToken(t)), "no single key")
	require.Contains(t, sameAlgorithm.rejects(t, ed.sign(t, ed.header(noKid), claims(time.Now(), nil))), "no single key")
	for _, s := range []*signer{ed, other} {
		sameAlgorithm.accepts(t, s.sign(t, s.header(jsonObject{"kid": thumbprint(t, s)}), claims(time.Now(), nil)))
	}
	require.Contains(t, sameAlgorithm.rejects(t, ed.sign(t, ed.header(jsonObject{"kid": thumbprint(t, other)}), claims(time.Now(), nil))), "signature")
}

func thumbprint(t testing.TB, s *signer) string {
	t.Helper()
	kid, err := jwk.Thumbprint(s.private.Public())
	require.NoError(t, err)
	return kid
}

func TestInvalidKeyFiles(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	private, err := x509.MarshalPKCS8PrivateKey(ed.private)
	require.NoError(t, err)
	many := bytes.Repeat(ed.pem(t), 65)
	for want, content := range map[string][]byte{
		"contains no PEM public key":                      []byte(marker),
		"key 2: neither a public key":                     append(ed.pem(t), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...),
		"key 1: does not match the type of its PEM block": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte(marker)}),
		"key 1: the RSA key has 1024 bits":                newRSA(t, "weak", 1024).pem(t),
		"key 1: the EC key is not on P-256":               newEC(t, "es", elliptic.P521()).pem(t),
		"key 1: matches none of the issuer's algorithms":  newEC(t, "es", elliptic.P384()).pem(t),
		"more than 64 keys":                               many,
	} {
		issuer := issuerSettings()
		issuer.JWKSURL, issuer.PublicKeyFile = "", writeFile(t, content)
		_, err := jwt.New([]config.Issuer{issuer}, jwt.Options{})
		require.ErrorContains(t, err, "auth.jwt[0].publicKeyFile: "+issuer.PublicKeyFile+": ")
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), marker)
	}
}

// A valid new version of the file takes effect, and an invalid one does not.
func TestKeyFileIsReloaded(t *testing.T) {
	t.Parallel()
	ed, added := newEd25519(t, "ed"), newEC(t, "added", elliptic.P256())
	path := ed.pemFile(t)
	f := newFileFixture(t, path)
	token := ed.validToken(t)
	principal := f.accepts(t, token)
	write := func(parts ...[]byte) {
		require.NoError(t, os.WriteFile(path+".new", bytes.Join(parts, nil), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	verifies := func(s *signer) func() bool {
		token := s.validToken(t)
		return func() bool {
			_, err := f.Verify(t.Context(), token)
			return err == nil
		}
	}
	write(ed.pem(t), added.pem(t))
	require.Eventually(t, verifies(added), 5*time.Second, 5*time.Millisecond)
	require.Same(t, principal, f.accepts(t, token), "the principal stays cached, because the key is still in the file")
	write([]byte("junk " + marker))
	require.Eventually(t, func() bool { return len(f.failures()) == 1 }, 5*time.Second, 5*time.Millisecond)
	f.accepts(t, token)
	write(added.pem(t))
	require.Eventually(t, func() bool { return !verifies(ed)() }, 5*time.Second, 5*time.Millisecond)
	f.rejects(t, token)
	f.accepts(t, added.validToken(t))
}
