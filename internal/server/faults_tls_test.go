package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/test/bufconn"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// tlsUpstream serves an upstream over TLS, with a certificate that the test can replace. If clientCAs is not nil, it
// requires a client certificate.
type tlsUpstream struct {
	clientCAs   *x509.CertPool
	caFile      string
	authority   *x509.Certificate
	key         *ecdsa.PrivateKey // of the authority and the server
	certificate atomic.Pointer[tls.Certificate]
}

func newTLSUpstream(t *testing.T) *tlsUpstream {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	u := &tlsUpstream{key: key, caFile: filepath.Join(t.TempDir(), "ca.pem"), authority: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
	}}
	der := u.sign(t, u.authority, 1000*time.Hour)
	u.authority, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(u.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	u.renew(t, time.Hour)
	return u
}

// issueClientPair writes a client certificate and its key to files. A negative validFor makes it expired.
func (u *tlsUpstream) issueClientPair(t *testing.T, certFile, keyFile string, validFor time.Duration) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "flowgate"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(validFor),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, u.authority, key.Public(), u.key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func (u *tlsUpstream) sign(t *testing.T, template *x509.Certificate, validFor time.Duration) (der []byte) {
	t.Helper()
	template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(validFor)
	der, err := x509.CreateCertificate(rand.Reader, template, u.authority, u.key.Public(), u.key)
	require.NoError(t, err)
	return der
}

// renew replaces the certificate of the server. A negative validFor makes it expired.
func (u *tlsUpstream) renew(t *testing.T, validFor time.Duration) {
	t.Helper()
	der := u.sign(t, &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{upstreamHost}}, validFor)
	u.certificate.Store(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: u.key})
}

// upstreamHost is the host name of the upstream. Errors of DNS and TLS contain it.
const upstreamHost = "frontend-7.internal"

// serve serves server over TLS, and returns a dialer for it.
func (u *tlsUpstream) serve(t *testing.T, server *upstreamtest.Server) upstreamtest.Dialer {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return u.certificate.Load(), nil },
	}
	if u.clientCAs != nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, u.clientCAs
	}
	served := server.NewGRPC(grpc.Creds(credentials.NewTLS(config)))
	var serving sync.WaitGroup
	serving.Go(func() { _ = served.Serve(listener) })
	t.Cleanup(func() {
		served.Stop()
		serving.Wait()
	})
	return func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
}

func TestACertificateThatExpires(t *testing.T) {
	t.Parallel()
	for i, e := range expectByRetry(failed(problem.UpstreamUnavailable).after(about(maxElapsed)), failed(problem.UpstreamUnavailable).after(about(0))) {
		for name, validFor := range map[string]time.Duration{"while connected": time.Hour, "before it connects": -time.Minute} {
			t.Run(name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					u := newTLSUpstream(t)
					g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
						cfg.Upstream.TLS = config.TLS{Enabled: true, CAFile: u.caFile, ServerName: upstreamHost}
					}})
					f := newFaulty(t, g, u.serve(t, g.Upstream))
					u.renew(t, validFor)
					f.connect(f.dialHealthy)
					if validFor > 0 {
						f.awaitRecovery(t)
						time.Sleep(2 * validFor)
						f.expect(t, e.op, healthy()[i].want) // the existing connection remains in use
						f.connect(f.dialHealthy)
					}
					resp := f.expect(t, e.op, e.want)
					require.NotContains(t, resp.Body, upstreamHost)
					require.NotContains(t, resp.Body, "certificate")
					require.Contains(t, f.Log.String(), "certificate has expired or is not yet valid", "the cause is logged")
					u.renew(t, time.Hour)
					f.endFault(t)
				})
			})
		}
	}
}

// An expired client certificate is replaced on disk: calls succeed without a restart. A file that is not a certificate
// does not replace it.
func TestClientCertificateOfUpstreamIsReloaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := newTLSUpstream(t)
		u.clientCAs = x509.NewCertPool()
		u.clientCAs.AddCert(u.authority)
		dir := t.TempDir()
		certFile, keyFile := filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
		u.issueClientPair(t, certFile, keyFile, time.Hour)
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Upstream.TLS = config.TLS{Enabled: true, CAFile: u.caFile, CertFile: certFile, KeyFile: keyFile, ServerName: upstreamHost}
		}})
		f := newFaulty(t, g, u.serve(t, g.Upstream))
		f.requireWorking(t)

		u.renew(t, 100*time.Hour)
		time.Sleep(2 * time.Hour)
		f.requireWorking(t) // the certificate is verified only when a connection opens
		f.connect(f.dialHealthy)
		f.expect(t, terminateOp(), failed(problem.UpstreamUnavailable).after(0, maxRecovery))
		require.Eventually(t, func() bool { return strings.Contains(f.Log.String(), `"ready":false`) },
			time.Minute, time.Second, "the gateway logs why it is not ready")

		require.NoError(t, os.WriteFile(certFile, []byte("half a certificate"), 0o600))
		time.Sleep(2 * time.Second)
		require.Contains(t, f.Log.String(), "file rejected, its last good version stays in force")
		f.expect(t, terminateOp(), failed(problem.UpstreamUnavailable).after(0, maxRecovery))

		u.issueClientPair(t, certFile, keyFile, time.Hour)
		began := time.Now()
		for f.send(t, terminateOp()).Status != http.StatusNoContent {
			require.Less(t, time.Since(began), maxRecovery, "the new certificate is not used")
			time.Sleep(50 * time.Millisecond)
		}
		require.Contains(t, f.Log.String(), `"msg":"file reloaded"`)

		require.NoError(t, os.WriteFile(certFile, []byte("half a certificate"), 0o600))
		time.Sleep(2 * time.Second)
		f.connect(f.dialHealthy)
		f.awaitRecovery(t)
		f.requireWorking(t) // with the last valid certificate
		f.requireIdle(t)
	})
}

// The CA certificates that verify the upstream are reloaded too.
func TestAuthoritiesOfUpstreamAreReloaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, next := newTLSUpstream(t), newTLSUpstream(t)
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Upstream.TLS = config.TLS{Enabled: true, CAFile: u.caFile, ServerName: upstreamHost}
		}})
		f := newFaulty(t, g, u.serve(t, g.Upstream))
		f.dialHealthy = next.serve(t, g.Upstream)
		f.connect(f.dialHealthy)
		f.expect(t, terminateOp(), failed(problem.UpstreamUnavailable).after(0, maxRecovery))
		authorities, err := os.ReadFile(next.caFile)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(u.caFile, authorities, 0o600))
		f.awaitRecovery(t)
		f.requireWorking(t)
	})
}
