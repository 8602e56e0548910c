package mint

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/reload"
)

// Options configure a [Signer]. The zero value is valid.
type Options struct {
	// Log receives new versions of the key file and changes of the published keys. Nil discards them.
	Log *slog.Logger
	// Now returns the current time; nil means [time.Now].
	Now func() time.Time
	// OnReload is called after every new version of the key file: with nil if it took effect, else with the reason why
	// the old keys stay in force. It is meant for a metric.
	OnReload func(error)
}

// Signer mints tokens. It is an [auth.Source] and safe for concurrent use, also while [Signer.Watch] rotates the keys.
// Printing it reveals no secret: fmt does not follow nested pointers.
type Signer struct {
	cfg  config.Mint
	log  *slog.Logger
	now  func() time.Time
	file *reload.File[[]*key]
	keys atomic.Pointer[keySet]
}

var _ auth.Source = (*Signer)(nil)

// Open reads the key file. Its first key signs immediately. The error contains neither the file name nor its content.
func Open(cfg config.Mint, options Options) (*Signer, error) {
	s := &Signer{cfg: cfg, log: options.Log, now: options.Now}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	s.file, err = reload.Open(cfg.KeyFile, s.parse, reload.Options{Log: s.log, OnReload: options.OnReload})
	if err != nil {
		return nil, err
	}
	s.keys.Store(new(keySet).rotate(s.now(), *s.file.Load(), s.timing()))
	return s, nil
}

// Authorization returns the authorization metadata for one call. Concurrent calls that need the same token may sign one
// each, so that no call waits for another.
func (s *Signer) Authorization(_ context.Context, call auth.CallInfo) (string, error) {
	sub, err := newSubject(call)
	if err != nil {
		return "", err
	}
	keys, now := s.keys.Load(), s.now()
	if cached, ok := keys.tokens.Get(sub); ok && cached.usable(now.Unix()) {
		return cached.header, nil
	}
	token, err := mint(&s.cfg, keys.signer, sub, now)
	if err != nil {
		return "", err
	}
	keys.tokens.Put(sub, token)
	return token.header, nil
}

// CacheKey returns the name of the principal, because the upstream may return different data to each principal.
func (*Signer) CacheKey(p *auth.Principal) string { return p.Name }

// JWKS returns the published set in JSON (RFC 7517), with at least one key. The caller must not modify it.
func (s *Signer) JWKS() []byte { return s.keys.Load().jwks }

// InForce reports whether the key file on disk is in force.
func (s *Signer) InForce() bool { return s.file.InForce() }

// Watch reloads the key file and rotates the keys once per interval, which must be positive, until ctx is done. The
// caller runs it once, in its own goroutine.
func (s *Signer) Watch(ctx context.Context, interval time.Duration) {
	reload.PollInterval(ctx, interval, func(ctx context.Context) {
		s.file.Poll(ctx)
		s.rotate(ctx)
	})
}

// rotate updates the keys for the current time.
func (s *Signer) rotate(ctx context.Context) {
	old := s.keys.Load()
	next := old.rotate(s.now(), *s.file.Load(), s.timing())
	s.keys.Store(next)
	if next.signer.kid != old.signer.kid || !bytes.Equal(next.jwks, old.jwks) {
		s.log.LogAttrs(ctx, slog.LevelInfo, "the keys for minted tokens changed",
			slog.String("signing", next.signer.kid), slog.Any("published", next.kids()))
	}
}

func (s *Signer) timing() timing {
	// A server whose clock is behind accepts a token for longer, and a call may be delayed before it is sent.
	const slack = time.Minute
	return timing{ahead: s.cfg.PublishAhead, retain: s.cfg.TTL + backDate + slack}
}

func (s *Signer) parse(content []byte, _ *[]*key) (*[]*key, error) {
	keys, err := parseKeys(content, s.cfg.Algorithm)
	if err != nil {
		return nil, err
	}
	const worldReadable = 0o004
	if info, err := os.Stat(s.cfg.KeyFile); err == nil && info.Mode()&worldReadable != 0 {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "every user of this machine can read the file of private keys",
			slog.String("file", s.cfg.KeyFile))
	}
	return &keys, nil
}
