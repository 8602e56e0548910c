package auth_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/authtest"
	"github.com/flowgate/flowgate/internal/config"
)

func TestCertificateOwner(t *testing.T) {
	t.Parallel()
	certificates, err := auth.NewCertificates("auth.certificates", []config.Certificate{
		{Name: "both", URI: "spiffe://prod/orders", CommonName: "orders", Grants: []config.Grant{{Namespace: "orders", Role: "admin"}}},
		{Name: "uri", URI: "spiffe://prod/orders", Grants: []config.Grant{{Namespace: "orders", Role: "write"}}},
		{Name: "dns", DNS: "billing.internal"},
		{Name: "email", Email: "ops@example.com"},
		{Name: "name", CommonName: "legacy"},
	})
	require.NoError(t, err)
	authenticator := auth.NewAuthenticator(auth.Verifiers{Certificates: certificates})
	for name, test := range map[string]struct {
		leaf x509.Certificate
		want string // the name of the principal; empty if the request is rejected
	}{
		"URI and common name":     {x509.Certificate{URIs: uris(t, "spiffe://prod/orders"), Subject: pkix.Name{CommonName: "orders"}}, "cert:both"},
		"URI":                     {x509.Certificate{URIs: uris(t, "spiffe://prod/a", "spiffe://prod/orders")}, "cert:uri"},
		"one of two names":        {x509.Certificate{Subject: pkix.Name{CommonName: "orders"}}, ""},
		"DNS":                     {x509.Certificate{DNSNames: []string{"billing.internal"}}, "cert:dns"},
		"wildcard":                {x509.Certificate{DNSNames: []string{"*.internal"}}, ""},
		"DNS name as common name": {x509.Certificate{Subject: pkix.Name{CommonName: "billing.internal"}}, ""},
		"email":                   {x509.Certificate{EmailAddresses: []string{"ops@example.com"}}, "cert:email"},
		"common name":             {x509.Certificate{Subject: pkix.Name{CommonName: "legacy"}}, "cert:name"},
		"different case":          {x509.Certificate{Subject: pkix.Name{CommonName: "Legacy"}}, ""},
		"no name":                 {x509.Certificate{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.leaf.NotAfter = time.Now().Add(time.Hour)
			verified := &http.Request{TLS: &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{&test.leaf}}}}
			principal, err := authenticator.Authenticate(verified)
			if test.want == "" {
				require.ErrorContains(t, err, "unauthenticated")
			} else {
				require.NoError(t, err)
				require.Equal(t, test.want, principal.Name)
				require.Equal(t, test.leaf.NotAfter, principal.Expires)
			}
			_, err = authenticator.Authenticate(&http.Request{TLS: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{&test.leaf}}})
			require.ErrorContains(t, err, "unauthenticated", "a certificate that was not verified proves nothing")
			expired := test.leaf
			expired.NotAfter = time.Now().Add(-time.Second)
			_, err = authenticator.Authenticate(&http.Request{TLS: &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{&expired}}}})
			require.ErrorContains(t, err, "unauthenticated", "a connection may outlive its certificate")
			verified.Header = http.Header{"X-Api-Key": {"fg_dev_" + authtest.SecretA}}
			_, err = authenticator.Authenticate(verified)
			require.ErrorContains(t, err, "invalid-credential", "an invalid API key is not ignored because of the certificate")
		})
	}
}

func uris(t *testing.T, texts ...string) []*url.URL {
	t.Helper()
	var parsed []*url.URL
	for _, text := range texts {
		u, err := url.Parse(text)
		require.NoError(t, err)
		parsed = append(parsed, u)
	}
	return parsed
}

func TestCertificatesHaveOperationsAndARate(t *testing.T) {
	t.Parallel()
	entry := config.Certificate{
		Name: "orders", DNS: "orders", Grants: []config.Grant{{Namespace: "orders", Operations: []string{"start", "signal"}}, {Namespace: "x", Role: "read"}},
		Rate: config.Rate{PerSecond: 2.5},
	}
	certificates, err := auth.NewCertificates("auth.certificates", []config.Certificate{entry})
	require.NoError(t, err)
	principal, ok := certificates.PrincipalByName("cert:orders")
	require.True(t, ok)
	require.Equal(t, []auth.Grant{{Namespace: "orders", Operations: auth.OpStart | auth.OpSignal}, {Namespace: "x", Role: auth.RoleRead}}, principal.Grants)
	require.Equal(t, auth.Rate{PerSecond: 2.5, Burst: 3}, principal.Rate)

	entry.Grants = []config.Grant{{Role: "owner"}, {Operations: []string{"start", "begin", ""}}}
	_, err = auth.NewCertificates("auth.certificates", []config.Certificate{{}, entry})
	for _, want := range []string{"auth.certificates[1].grants[0].role: must be", "auth.certificates[1].grants[1].operations[1]: must be", "auth.certificates[1].grants[1].operations[2]: must be"} {
		require.ErrorContains(t, err, want)
	}
}
