package auth

import (
	"log/slog"
	"time"

	"github.com/flowgate/flowgate/internal/reload"
)

// Options are what [Keys] take from their surroundings. The zero value is ready to use.
type Options struct {
	// Log gets reloads and their failures; nil discards them.
	Log *slog.Logger
	// Now is the clock that notAfter is compared with; nil is [time.Now].
	Now func() time.Time
	// OnReload is called after every new version of the file that was looked at while the gateway ran: with nil when it
	// took effect, with the reason when the old one stays in force. It is meant for a metric; nil is none.
	OnReload func(error)
	// Refusal is why no key may have a static or minted token or send its own: the upstream is one to which none may be
	// sent. It is a problem of each key that does, at reloads too. Empty refuses nothing.
	Refusal string
	// Mint is the credential of keys with the mode mint; nil when there is none, which is a problem of such keys.
	Mint *Credential
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// watched are the options for the file.
func (o Options) watched() reload.Options {
	return reload.Options{Log: o.Log, OnReload: o.OnReload}
}
