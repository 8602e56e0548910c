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
	// Now is the clock that notAfter is compared with; nil means [time.Now].
	Now func() time.Time
	// OnReload is called for every new version of the file while the gateway
	// runs: with nil if it took effect, otherwise with the reason why the old
	// version stays in force. It is meant for a metric and may be nil.
	OnReload func(error)
	// Refusal is the reason why no credential may be sent to the upstream. If it
	// is set, a key with a static token, or with the right to send its own
	// authorization, is an error, at reloads too.
	Refusal string
	// Mint is the credential of keys with the mode mint. If it is nil, such a
	// key is an error.
	Mint *auth.Credential
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// watched returns the options of the watched file.
func (o Options) watched() reload.Options {
	return reload.Options{Log: o.Log, OnReload: o.OnReload}
}
