package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// authority is a certificate authority.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: servertest.NewECKey()}
	a.cert = a.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, Subject: pkix.Name{CommonName: "authority"}}, a.key)
	return a
}

// sign returns a signed certificate. The certificate is valid for a day, unless the template sets NotAfter.
func (a *authority) sign(t testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template.SerialNumber = servertest.Must(rand.Int(rand.Reader, big.NewInt(1<<62)))
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(24 * time.Hour)
	}
	parent := a.cert
	if parent == nil {
		parent = template
	}
	return servertest.Must(x509.ParseCertificate(servertest.Must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key))))
}

// issue returns a certificate with a new key.
func (a *authority) issue(t testing.TB, template x509.Certificate) tls.Certificate {
	t.Helper()
	key := servertest.NewECKey()
	return tls.Certificate{Certificate: [][]byte{a.sign(t, &template, key).Raw}, PrivateKey: key}
}

func (a *authority) pem() []byte { return certPEM(a.cert.Raw) }

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// tlsGateway is a gateway with TLS that accepts client certificates.
type tlsGateway struct {
	*servertest.Gateway

	servers, clients  *authority // sign the server's certificate and client certificates
	certFile, keyFile string
	caFile            string
}

// workerID is the SPIFFE ID to which the configuration grants access.
const workerID = "spiffe://cluster.example/worker"

// startTLS starts a gateway. changes are applied to its configuration.
func startTLS(t *testing.T, changes ...func(*config.Config)) *tlsGateway {
	t.Helper()
	dir := t.TempDir()
	s := &tlsGateway{
		servers: newAuthority(t), clients: newAuthority(t),
		certFile: filepath.Join(dir, "tls.crt"), keyFile: filepath.Join(dir, "tls.key"), caFile: filepath.Join(dir, "ca.crt"),
	}
	s.renew(t, s.certFile, s.keyFile)
	require.NoError(t, os.WriteFile(s.caFile, s.clients.pem(), 0o600))
	public := servertest.NewListener()
	s.Gateway = servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
		cfg.Listen.TLS = config.ListenTLS{CertFile: s.certFile, KeyFile: s.keyFile, ClientCAFile: s.caFile}
		cfg.Auth.Certificates = []config.Certificate{{
			Name: "worker", URI: workerID, Grants: []config.Grant{{Namespace: "default", Role: "write"}},
		}}
		servertest.Apply(changes...)(cfg)
	}, Public: public, Dial: public.Dial})
	s.Listener = public
	synctest.Wait()
	serveLists(s.Gateway)
	temporalfake.NewWorkflow(s.Upstream)
	return s
}

// renew writes a new server certificate and the private key.
func (s *tlsGateway) renew(t *testing.T, certFile, keyFile string) tls.Certificate {
	t.Helper()
	certificate := s.servers.issue(t, x509.Certificate{DNSNames: []string{"gateway"}})
	require.NoError(t, os.WriteFile(certFile, certPEM(certificate.Certificate[0]), 0o600))
	require.NoError(t, os.WriteFile(keyFile, privatePEM(certificate.PrivateKey), 0o600))
	return certificate
}

// Values of the parameter http2 of clientWith.
const onlyHTTP1, preferHTTP2 = false, true

// clientWith returns a client that opens new connections and sends the certificate, if there is one.
func (s *tlsGateway) clientWith(t *testing.T, http2 bool, certificates ...tls.Certificate) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.servers.cert)
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return s.Listener.Dial(ctx) },
		ForceAttemptHTTP2: http2,
		TLSClientConfig: &tls.Config{
			RootCAs: roots, MinVersion: tls.VersionTLS12,
			// Unlike Certificates, this function sends the certificate even if the server does not accept the authority
			// that signed it.
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(certificates) == 0 {
					return &tls.Certificate{}, nil
				}
				return &certificates[0], nil
			},
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (s *tlsGateway) list(t *testing.T, client *http.Client, headers ...string) (servertest.Response, *tls.ConnectionState, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://gateway"+servertest.WorkflowsPath, http.NoBody)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	got, err := client.Do(request)
	if err != nil {
		return servertest.Response{}, nil, err
	}
	return servertest.ReadResponse(t, got), got.TLS, nil
}

func uris(t *testing.T, text string) []*url.URL {
	t.Helper()
	return []*url.URL{servertest.Must(url.Parse(text))}
}

func TestAClientCertificateIdentifiesTheCaller(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := startTLS(t)
			worker := s.clientWith(t, http2, s.clients.issue(t, x509.Certificate{URIs: uris(t, workerID)}))
			unknown := s.clientWith(t, http2, s.clients.issue(t, x509.Certificate{URIs: uris(t, workerID+"/other")}))
			none := s.clientWith(t, http2)
			for name, tc := range map[string]struct {
				client  *http.Client
				headers []string
				status  int
				logged  string // text that the log must contain
			}{
				"worker certificate":                   {worker, nil, http.StatusOK, `"principal":"cert:worker"`},
				"worker certificate, API key":          {worker, servertest.Bearer(servertest.ReaderKey), http.StatusOK, `"principal":"reader"`},
				"worker certificate, unknown API key":  {worker, servertest.Bearer(wrongKey), http.StatusUnauthorized, ""},
				"unknown certificate":                  {unknown, nil, http.StatusUnauthorized, ""},
				"unknown certificate, API key":         {unknown, servertest.Bearer(servertest.ReaderKey), http.StatusOK, `"principal":"reader"`},
				"neither certificate nor API key":      {none, nil, http.StatusUnauthorized, ""},
				"API key without a client certificate": {none, servertest.Bearer(servertest.ReaderKey), http.StatusOK, `"principal":"reader"`},
			} {
				before, logged := s.UpstreamCalls(), len(s.Log.String())
				resp, state, err := s.list(t, tc.client, tc.headers...)
				require.NoError(t, err, name)
				require.Equal(t, tc.status, resp.Status, "%s: %s", name, resp.Body)
				require.Equal(t, http2, state.NegotiatedProtocol == "h2", name)
				require.Contains(t, s.Log.String()[logged:], tc.logged, name)
				require.Equal(t, tc.status == http.StatusOK, s.UpstreamCalls() == before+1, name)
			}
		})
	}
}

func TestAnInvalidClientCertificateFailsTheHandshake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTLS(t)
		for name, certificate := range map[string]tls.Certificate{
			"signed by an unknown authority":      newAuthority(t).issue(t, x509.Certificate{URIs: uris(t, workerID)}),
			"signed by the authority for servers": s.servers.issue(t, x509.Certificate{URIs: uris(t, workerID)}),
			"expired":                             s.clients.issue(t, x509.Certificate{URIs: uris(t, workerID), NotAfter: time.Now().Add(-time.Second)}),
			"for server authentication only":      s.clients.issue(t, x509.Certificate{URIs: uris(t, workerID), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}),
		} {
			for _, headers := range [][]string{nil, servertest.Bearer(servertest.WriterKey)} {
				_, _, err := s.list(t, s.clientWith(t, onlyHTTP1, certificate), headers...)
				require.Error(t, err, name)
			}
		}
		require.Zero(t, s.UpstreamCalls())
		resp, _, err := s.list(t, s.clientWith(t, onlyHTTP1, s.clients.issue(t, x509.Certificate{URIs: uris(t, workerID)})))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.Status)
	})
}

func TestANewServerCertificateIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTLS(t)
		serial := func() string {
			_, state, err := s.list(t, s.clientWith(t, preferHTTP2), servertest.Bearer(servertest.ReaderKey)...)
			require.NoError(t, err)
			return state.PeerCertificates[0].SerialNumber.String()
		}
		connected := s.clientWith(t, preferHTTP2)
		_, state, err := s.list(t, connected, servertest.Bearer(servertest.ReaderKey)...)
		require.NoError(t, err)
		old := state.PeerCertificates[0].SerialNumber.String()
		require.Equal(t, old, serial())
		renewed := s.renew(t, s.certFile, s.keyFile+".next")
		time.Sleep(2 * time.Second) // longer than the interval at which the files are read again
		require.Equal(t, old, serial(), "a certificate without its key is not used")
		require.NoError(t, os.Rename(s.keyFile+".next", s.keyFile))
		time.Sleep(2 * time.Second)
		require.Equal(t, servertest.Must(x509.ParseCertificate(renewed.Certificate[0])).SerialNumber.String(), serial())
		resp, state, err := s.list(t, connected, servertest.Bearer(servertest.ReaderKey)...)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, old, state.PeerCertificates[0].SerialNumber.String(), "open connections are kept")

		s.clients = newAuthority(t)
		require.NoError(t, os.WriteFile(s.caFile, s.clients.pem(), 0o600))
		time.Sleep(2 * time.Second)
		resp, _, err = s.list(t, s.clientWith(t, preferHTTP2, s.clients.issue(t, x509.Certificate{URIs: uris(t, workerID)})))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.Status, "a new file of client authorities is used too")
	})
}
