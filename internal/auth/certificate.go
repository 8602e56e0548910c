package auth

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/flowgate/flowgate/internal/config"
)

// Certificates maps client certificates, which the TLS listener has verified, to
// principals.
type Certificates struct{ owners []certificateOwner }

type certificateOwner struct {
	config.Certificate

	principal *Principal
}

// NewCertificates returns the mapping that the entries configure. The entries must
// be valid ([config.Config.Validate]).
func NewCertificates(entries []config.Certificate) (*Certificates, error) {
	c := &Certificates{}
	for i, entry := range entries {
		principal := &Principal{Name: config.CertificateName + ":" + entry.Name}
		for _, grant := range entry.Grants {
			role, err := ParseRole(grant.Role)
			if err != nil {
				return nil, fmt.Errorf("auth.certificates.%d: %w", i, err)
			}
			principal.Grants = append(principal.Grants, Grant{Namespace: grant.Namespace, Role: role})
		}
		c.owners = append(c.owners, certificateOwner{entry, principal})
	}
	return c, nil
}

// principalOf returns the principal of a connection's client certificate, or nil if
// there is none. It uses only verified chains: PeerCertificates contains whatever the
// client has sent.
func (c *Certificates) principalOf(state *tls.ConnectionState) *Principal {
	if c == nil || state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	leaf := state.VerifiedChains[0][0]
	if time.Now().After(leaf.NotAfter) {
		return nil // the certificate has expired since the handshake
	}
	for _, owner := range c.owners {
		if owner.matches(leaf) {
			principal := *owner.principal
			principal.Expires = leaf.NotAfter
			return &principal
		}
	}
	return nil
}

// PrincipalByName returns the principal with the given name. It reports false if no configured
// certificate has that name.
func (c *Certificates) PrincipalByName(name string) (*Principal, bool) {
	for _, owner := range c.owners {
		if owner.principal.Name == name {
			return owner.principal, true
		}
	}
	return nil, false
}

// matches reports whether the certificate has all names of the entry. Names are
// compared literally: a wildcard in a certificate has no special meaning.
func (o *certificateOwner) matches(leaf *x509.Certificate) bool {
	hasURI := func() bool {
		for _, u := range leaf.URIs {
			if u.String() == o.URI {
				return true
			}
		}
		return false
	}
	return (o.URI == "" || hasURI()) &&
		(o.DNS == "" || slices.Contains(leaf.DNSNames, o.DNS)) &&
		(o.Email == "" || slices.Contains(leaf.EmailAddresses, o.Email)) &&
		(o.CommonName == "" || leaf.Subject.CommonName == o.CommonName)
}
