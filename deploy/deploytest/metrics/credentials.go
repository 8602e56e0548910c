package metrics

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// secret is the secret of the key writer. It is public.
var secret = strings.Repeat("0", 32) //nolint:gochecknoglobals // constant

// writerKey is an API key with the role write.
var writerKey = "fg_writer_" + secret //nolint:gochecknoglobals // constant

// lifetime is the time until a certificate, a secret or a token of the tests expires.
const lifetime = 24 * time.Hour

// newKeysFile writes a keys file whose secret expires.
func newKeysFile(t testing.TB, dir string) string {
	t.Helper()
	hash := sha256.Sum256([]byte(secret))
	return write(t, dir, "keys.yaml", fmt.Sprintf(`keys:
  - {id: writer, secrets: [{sha256: %s, notAfter: %s}], grants: [{namespace: "*", role: write}]}
`, hex.EncodeToString(hash[:]), time.Now().Add(lifetime).UTC().Format(time.RFC3339)))
}

func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func writeKey(t testing.TB, dir, name string, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return write(t, dir, name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func newKeyFile(t testing.TB, dir, name string) string {
	t.Helper()
	return writeKey(t, dir, name, newKey(t))
}

// certificate is a self-signed certificate for loopback, for servers and for clients.
type certificate struct {
	tls               tls.Certificate
	certFile, keyFile string
}

func newCertificate(t testing.TB, dir, name string) certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate := certificate{
		certFile: write(t, dir, name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		keyFile:  writeKey(t, dir, name+".key", key),
	}
	certificate.tls, err = tls.LoadX509KeyPair(certificate.certFile, certificate.keyFile)
	require.NoError(t, err)
	return certificate
}

// trusting returns a client that trusts only the certificate.
func trusting(c certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(c.tls.Leaf)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}}
}

// startIssuer starts an issuer of tokens that publishes one key, and returns its URL.
func startIssuer(t testing.TB) string {
	t.Helper()
	public, err := newKey(t).PublicKey.Bytes() // 0x04, x and y
	require.NoError(t, err)
	coordinate := base64.RawURLEncoding.EncodeToString
	keys, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "published",
		"x": coordinate(public[1:33]), "y": coordinate(public[33:]),
	}}})
	require.NoError(t, err)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(keys)
	}))
	t.Cleanup(issuer.Close)
	return issuer.URL
}

// unknownToken returns a token of the issuer with a kid that the issuer does not publish.
func unknownToken(issuer string) string {
	return token(`{"alg":"ES256","typ":"jwt","kid":"unknown"}`, fmt.Sprintf(`{"iss":%q,"aud":"flowgate","sub":"test","exp":%d}`, issuer, expiry()))
}

// expiringToken returns a token that Temporal does not verify, because the development server requires no credential.
func expiringToken() string {
	return token(`{"alg":"ES256","typ":"jwt"}`, fmt.Sprintf(`{"sub":"test","exp":%d}`, expiry()))
}

func expiry() int64 { return time.Now().Add(lifetime).Unix() }

// token returns a JWT whose signature is invalid.
func token(header, claims string) string {
	parts := []string{header, claims, strings.Repeat("0", 64)}
	for i, part := range parts {
		parts[i] = base64.RawURLEncoding.EncodeToString([]byte(part))
	}
	return strings.Join(parts, ".")
}
