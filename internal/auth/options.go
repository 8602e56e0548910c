package auth

import (
	"log/slog"
	"time"

	"github.com/flowgate/flowgate/internal/watched"
)

// Option sets what a [Keys] or a [Credential] takes from its surroundings.
type Option func(*options)

type options struct {
	logger   *slog.Logger
	now      func() time.Time
	onReload func(error)
	// refusal is why no key may have a token, empty when it may.
	refusal string
	// mint is the credential of keys with the mode mint, nil when none may have it.
	mint *Credential
}

func newOptions(opts []Option) options {
	o := options{
		logger:   slog.New(slog.DiscardHandler),
		now:      time.Now,
		onReload: func(error) {},
	}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// watched are the options for a file.
func (o options) watched() watched.Options {
	return watched.Options{Log: o.logger, OnReload: o.onReload}
}

// WithLogger tells where a reload and its failure are logged; the default is
// nowhere.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// WithClock replaces the clock that notAfter is held against.
func WithClock(now func() time.Time) Option {
	return func(o *options) { o.now = now }
}

// RefuseCredentials makes a static credential in the keys file a problem, with
// the reason that is given; an empty one refuses nothing. It is for an upstream
// to which no token may be sent, since reloads bring tokens too.
func RefuseCredentials(reason string) Option {
	return func(o *options) { o.refusal = reason }
}

// WithMint tells what keys with the mode mint go upstream with.
func WithMint(credential *Credential) Option {
	return func(o *options) { o.mint = credential }
}

// OnReload calls hook after every new version of the file that was looked at
// while the gateway ran: with nil when it took effect, with the reason when
// the old one stays in force. It is meant for a metric.
func OnReload(hook func(error)) Option {
	return func(o *options) { o.onReload = hook }
}
