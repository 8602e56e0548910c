package apikey

import (
	"log/slog"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/reload"
)

// Options are the optional settings of [Open]. The zero value is valid.
type Options struct {
	// Log receives reloads and their failures; nil discards them.
	Log *slog.Logger
	// Now returns the current time, which decides whether a secret has expired; nil
	// means [time.Now].
	Now func() time.Time
	// OnReload is called for every new version of the file while the gateway
	// runs: with nil if it took effect, otherwise with the reason why the old
	// version stays in force. It is meant for a metric and may be nil.
	OnReload func(error)
	// CredentialProblem is the reason why no credential may be sent to the upstream; it is
	// empty if credentials may be sent. If it is set, a file in which a key has a
	// static token, or may send its own authorization, is invalid.
	CredentialProblem string
	// Mint is the credential of keys with the mode mint. If it is nil, a file with
	// such a key is invalid.
	Mint *auth.Credential
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) reloadOptions() reload.Options {
	return reload.Options{Log: o.Log, OnReload: o.OnReload}
}
