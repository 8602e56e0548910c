package auth

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/flowgate/flowgate/internal/config"
)

// Certificates knows the bearers of client certificates. The listener has held
// them against its authorities before.
type Certificates struct{ owners []certificateOwner }

type certificateOwner struct {
	config.Certificate

	principal *Principal
}

// NewCertificates reads who is whose. The entries have been validated
// ([config.Config.Validate]).
func NewCertificates(entries []config.Certificate) (*Certificates, error) {
	c := &Certificates{}
	for i, entry := range entries {
		who := &Principal{Name: config.CertificateName + ":" + entry.Name}
		for _, grant := range entry.Grants {
			role, err := ParseRole(grant.Role)
			if err != nil {
				return nil, fmt.Errorf("auth.certificates.%d: %w", i, err)
			}
			who.Grants = append(who.Grants, Grant{Namespace: grant.Namespace, Role: role})
		}
		c.owners = append(c.owners, certificateOwner{entry, who})
	}
	return c, nil
}

// owner is the principal of a connection's client certificate, nil when nobody's
// is there. Only a chain that was verified counts: PeerCertificates alone may
// hold whatever the client has sent.
func (c *Certificates) owner(state *tls.ConnectionState) *Principal {
	if c == nil || state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	leaf := state.VerifiedChains[0][0]
	if time.Now().After(leaf.NotAfter) {
		return nil // it was good when the connection began
	}
	for _, owner := range c.owners {
		if owner.is(leaf) {
			who := *owner.principal
			who.Expires = leaf.NotAfter
			return &who
		}
	}
	return nil
}

// Owner is the principal with a name; none when there is no such certificate.
func (c *Certificates) Owner(name string) (*Principal, bool) {
	for _, owner := range c.owners {
		if owner.principal.Name == name {
			return owner.principal, true
		}
	}
	return nil, false
}

// is holds everything that is named of the owner against the certificate.
// Names are compared as they stand: a wildcard in a certificate names no one.
func (o *certificateOwner) is(leaf *x509.Certificate) bool {
	uri := func() bool {
		for _, u := range leaf.URIs {
			if u.String() == o.URI {
				return true
			}
		}
		return false
	}
	return (o.URI == "" || uri()) &&
		(o.DNS == "" || slices.Contains(leaf.DNSNames, o.DNS)) &&
		(o.Email == "" || slices.Contains(leaf.EmailAddresses, o.Email)) &&
		(o.CommonName == "" || leaf.Subject.CommonName == o.CommonName)
}
