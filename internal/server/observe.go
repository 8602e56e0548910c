package server

import (
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
)

// The values of the label file: the kinds of files that are reloaded. The certificates below have the suffix
// _certificate.
const (
	fileKeys               = "keys"
	fileAuth               = "auth"
	fileSigningKeys        = "signing_keys"
	fileIssuerKeys         = "issuer_keys"
	fileListenerClientCA   = "listener_client_ca"
	fileUpstreamCA         = "upstream_ca"
	fileUpstreamCredential = "upstream_credential"
)

// The values of the label certificate.
const (
	certificateListener = "listener"
	certificateUpstream = "upstream"
)

// observeKeys adds the keys file, and the token files that it names, to the metrics.
func (g *gateway) observeKeys(keys *apikey.Keys) {
	g.metrics.ObserveFile(fileKeys, keys.InForce)
	g.metrics.ObserveKeysExpiry(keys.NextExpiry)
	g.metrics.ObserveFile(fileUpstreamCredential, func() bool {
		for credential := range keys.Credentials() {
			if !credential.InForce() {
				return false
			}
		}
		return true
	})
	g.metrics.ObserveUpstreamCredential(func() (first time.Time) {
		for credential := range keys.Credentials() {
			if at := credential.Expires(); !at.IsZero() && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
		return first
	})
}

// observeCredential adds a credential for Temporal that is read from a file to the metrics.
func (g *gateway) observeCredential(credential *auth.Credential) {
	g.metrics.ObserveFile(fileUpstreamCredential, credential.InForce)
	g.metrics.ObserveUpstreamCredential(credential.Expires)
}
