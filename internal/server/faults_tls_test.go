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
	"os"
	"path/filepath"
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

// tlsUpstream serves an upstream over TLS, with a certificate that the test can replace.
type tlsUpstream struct {
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
	served := server.NewGRPC(grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return u.certificate.Load(), nil },
	})))
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
