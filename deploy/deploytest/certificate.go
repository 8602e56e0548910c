package deploytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Certificate is a self-signed certificate for 127.0.0.1.
type Certificate struct {
	// CertFile and KeyFile are PEM files, BothFile has the content of both.
	CertFile, KeyFile, BothFile string
	// Roots is a pool with the certificate.
	Roots *x509.CertPool
}

// NewCertificate creates a certificate that is valid for an hour.
func NewCertificate(t testing.TB) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "flowgate test"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	dir := t.TempDir()
	c := Certificate{
		CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), BothFile: filepath.Join(dir, "tls.pem"),
		Roots: x509.NewCertPool(),
	}
	require.True(t, c.Roots.AppendCertsFromPEM(certPEM))
	for file, content := range map[string][]byte{c.CertFile: certPEM, c.KeyFile: keyPEM, c.BothFile: append(certPEM, keyPEM...)} {
		require.NoError(t, os.WriteFile(file, content, 0o600))
	}
	return c
}
