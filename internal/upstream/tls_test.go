package upstream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/test/bufconn"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{}
	a.certificate, a.key = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour),
	})
	return a
}

// sign creates a key and a signed certificate from a template. The certificate is signed
// by the authority, or self-signed if the authority has no certificate yet.
func (a *authority) sign(t testing.TB, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(1)
	template.NotBefore = time.Now().Add(-2 * time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate, key
}

// issue returns a certificate for a DNS name or an IP address.
func (a *authority) issue(t testing.TB, name string, validFor time.Duration) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(validFor),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	certificate, key := a.sign(t, template)
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// listenTLS serves the handlers of server on another listener, over TLS if config is not
// nil.
func listenTLS(t testing.TB, server *upstreamtest.Server, listener net.Listener, config *tls.Config) {
	t.Helper()
	var options []grpc.ServerOption
	if config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	served := server.NewGRPC(options...)
	var serving sync.WaitGroup
	serving.Go(func() { _ = served.Serve(listener) })
	t.Cleanup(func() {
		served.Stop()
		serving.Wait()
	})
}

// The server listens on a TCP port. The client therefore dials like a gateway without a
// proxy. Without a configured server name, it verifies that the certificate is for the IP
// address that it dials.
func TestTheUpstreamIsVerified(t *testing.T) {
	t.Parallel()
	const local = "127.0.0.1"
	trusted, untrusted := newAuthority(t), newAuthority(t)
	serverConfig := func(certificate tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	mutual := serverConfig(trusted.issue(t, local, time.Hour))
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, trusted.pool()
	clientConfig := func(certificates ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: trusted.pool(), Certificates: certificates, MinVersion: tls.VersionTLS12}
	}
	withServerName := clientConfig()
	withServerName.ServerName = "temporal.example"
	for name, test := range map[string]struct {
		server, client *tls.Config
		peer           string // the name in the verified client certificate, or empty
		rejected       bool
	}{
		"a valid certificate":            {server: serverConfig(trusted.issue(t, local, time.Hour)), client: clientConfig()},
		"a certificate for another name": {server: serverConfig(trusted.issue(t, "other.example", time.Hour)), client: clientConfig(), rejected: true},
		"a configured server name":       {server: serverConfig(trusted.issue(t, "temporal.example", time.Hour)), client: withServerName},
		"another configured server name": {server: serverConfig(trusted.issue(t, local, time.Hour)), client: withServerName, rejected: true},
		"an unknown authority":           {server: serverConfig(untrusted.issue(t, local, time.Hour)), client: clientConfig(), rejected: true},
		"an expired certificate":         {server: serverConfig(trusted.issue(t, local, -time.Hour)), client: clientConfig(), rejected: true},
		"a plaintext server":             {client: clientConfig(), rejected: true},
		"a plaintext client":             {server: serverConfig(trusted.issue(t, local, time.Hour)), rejected: true},
		"a client certificate":           {server: mutual, client: clientConfig(trusted.issue(t, "gateway.example", time.Hour)), peer: "gateway.example"},
		"a client certificate of another authority": {
			server: mutual, client: clientConfig(untrusted.issue(t, "gateway.example", time.Hour)), rejected: true,
		},
		"no client certificate": {server: mutual, client: clientConfig(), rejected: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := upstreamtest.New(t)
			var caller string
			server.Handle("DescribeWorkflowExecution", func(ctx context.Context, _ []byte) ([]byte, error) {
				if peer, ok := peer.FromContext(ctx); ok {
					if info, ok := peer.AuthInfo.(credentials.TLSInfo); ok && len(info.State.VerifiedChains) > 0 {
						caller = info.State.PeerCertificates[0].Subject.CommonName
					}
				}
				return nil, nil
			})
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", local+":0")
			require.NoError(t, err)
			listenTLS(t, server, listener, test.server)
			client := newClient(t, nil, func(options *upstream.Options) {
				options.Address = listener.Addr().String()
				if test.client != nil {
					options.TLS = func() *tls.Config { return test.client }
				}
			})
			err = describeWorkflow(inOrdersNamespace(t.Context()), client)
			if !test.rejected {
				require.NoError(t, err)
				require.Equal(t, test.peer, caller)
				return
			}
			e := upstreamtest.ProblemOf(t, problem.UpstreamUnavailable, err)
			require.Equal(t, "The Temporal server cannot be reached at the moment.", e.Detail)
			require.Empty(t, server.AllCalls())
		})
	}
}

// TLS is end to end through the proxy: the client verifies that the certificate is for
// temporal.example, the host in the default address of newClient, and not for
// proxy.example, the host in the address of the proxy.
func TestTheUpstreamIsVerifiedThroughAProxy(t *testing.T) {
	t.Parallel()
	trusted := newAuthority(t)
	const eager = false         // see tunnel: only the response is in the first packet
	const noAuthentication = "" // at the proxy
	for certificateName, rejected := range map[string]bool{"temporal.example": false, "proxy.example": true} {
		t.Run(certificateName, func(t *testing.T) {
			t.Parallel()
			server := upstreamtest.New(t)
			server.Handle("DescribeWorkflowExecution", describeHandler())
			listener := bufconn.Listen(1 << 16)
			listenTLS(t, server, listener, &tls.Config{
				Certificates: []tls.Certificate{trusted.issue(t, certificateName, time.Hour)}, MinVersion: tls.VersionTLS12,
			})
			proxy := newProxy(t, tunnel(listener.DialContext, established, eager))
			client := newClient(t, nil, proxy.option(noAuthentication), func(options *upstream.Options) {
				options.TLS = func() *tls.Config { return &tls.Config{RootCAs: trusted.pool(), MinVersion: tls.VersionTLS12} }
			})
			err := describeWorkflow(inOrdersNamespace(t.Context()), client)
			if rejected {
				upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, err)
				return
			}
			require.NoError(t, err)
		})
	}
}
