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

// Options are what a [Signer] takes from its surroundings. The zero value tells nobody.
type Options struct {
	// Log is told of new versions of the key file, and of the keys that come and go.
	Log *slog.Logger
	// Now replaces the clock.
	Now func() time.Time
	// OnReload is called after every new version of the key file: with nil when it took effect, with the reason when the
	// old keys stay in force. It is meant for a metric.
	OnReload func(error)
}

// Signer makes the tokens, as an [auth.Source]. Any number of goroutines may ask it while [Signer.Watch] turns its keys.
// However it is printed, it shows no secret: fmt follows no pointer inside of what it is given.
type Signer struct {
	cfg  config.Mint
	log  *slog.Logger
	now  func() time.Time
	file *reload.File[[]*key]
	keys atomic.Pointer[keySet]
}

var _ auth.Source = (*Signer)(nil)

// Open reads the key file. Its first key signs from now on. The error names neither the file nor what is in it.
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

// Authorization is a token for one call, as metadata. Callers that need the same one at the same moment may sign it
// twice: nobody waits for another's signature.
func (s *Signer) Authorization(_ context.Context, call auth.CallInfo) (string, error) {
	of, err := newSubject(call)
	if err != nil {
		return "", err
	}
	ring, now := s.keys.Load(), s.now()
	if kept, ok := ring.tokens.Get(of); ok && kept.usable(now.Unix()) {
		return kept.header, nil
	}
	token, err := mint(&s.cfg, ring.signer, of, now)
	if err != nil {
		return "", err
	}
	ring.tokens.Put(of, token)
	return token.header, nil
}

// CacheKey is the name of the principal: the upstream may show each something else.
func (*Signer) CacheKey(p *auth.Principal) string { return p.Name }

// JWKS is the JSON of the published set (RFC 7517), of one key at least. Nobody changes it.
func (s *Signer) JWKS() []byte { return s.keys.Load().jwks }

// Watch looks at the key file and at the clock every interval, which must be positive, until ctx ends. The caller runs
// it, once, in a goroutine of its own.
func (s *Signer) Watch(ctx context.Context, interval time.Duration) {
	reload.Every(ctx, interval, func(ctx context.Context) {
		s.file.Poll(ctx)
		s.rotate(ctx)
	})
}

// rotate brings the keys to this moment.
func (s *Signer) rotate(ctx context.Context) {
	old := s.keys.Load()
	next := old.rotate(s.now(), *s.file.Load(), s.timing())
	s.keys.Store(next)
	if next.signer.kid != old.signer.kid || !bytes.Equal(next.jwks, old.jwks) {
		s.log.LogAttrs(ctx, slog.LevelInfo, "keys of the tokens for the upstream changed",
			slog.String("signing", next.signer.kid), slog.Any("published", next.kids()))
	}
}

func (s *Signer) timing() timing {
	// A server whose clock is behind takes a token for longer, and a call that was about to be sent may be held up.
	const slack = time.Minute
	return timing{ahead: s.cfg.PublishAhead, retain: s.cfg.TTL + backDate + slack}
}

func (s *Signer) parse(content []byte, _ *[]*key) (*[]*key, error) {
	keys, err := parseKeys(content, s.cfg.Algorithm)
	if err != nil {
		return nil, err
	}
	const othersRead = 0o004
	if info, err := os.Stat(s.cfg.KeyFile); err == nil && info.Mode()&othersRead != 0 {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "every user of this machine may read the file of private keys",
			slog.String("file", s.cfg.KeyFile))
	}
	return &keys, nil
}
