package auth

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Certificates maps client certificates, which the TLS listener has verified, to
// principals.
type Certificates struct{ owners []certificateOwner }

type certificateOwner struct {
	config.Certificate

	principal *Principal
}

// NewCertificates returns the mapping that the entries configure. The entries must be valid
// ([config.Config.Validate]), but for the names of operations, which only this package knows.
// The error joins all problems, each with the path of the setting; list is the path of entries.
func NewCertificates(list string, entries []config.Certificate) (*Certificates, error) {
	c := &Certificates{}
	var problems []error
	for i, entry := range entries {
		principal := &Principal{Name: config.CertificateName + ":" + entry.Name, Rate: RateOf(entry.Rate)}
		path := yamlnode.ElementPath(list, i)
		for j, entry := range entry.Grants {
			grant, err := parseGrant(yamlnode.ElementPath(path+".grants", j), entry)
			if err != nil {
				problems = append(problems, err)
			}
			principal.Grants = append(principal.Grants, grant)
		}
		c.owners = append(c.owners, certificateOwner{entry, principal})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return c, nil
}

// parseGrant returns the grant that an entry configures. Its error joins all problems, each with
// the path of the setting.
func parseGrant(path string, entry config.Grant) (Grant, error) {
	grant := Grant{Namespace: entry.Namespace}
	var problems []error
	if entry.Role != "" {
		role, err := ParseRole(entry.Role)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s.role: %w", path, err))
		}
		grant.Role = role
	}
	for i, name := range entry.Operations {
		operation, err := ParseOperation(name)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", yamlnode.ElementPath(path+".operations", i), err))
		}
		grant.Operations |= operation
	}
	return grant, errors.Join(problems...)
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
