package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/cache"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Options configure a [Verifier]. The zero value is valid.
type Options struct {
	// Log receives a record when fetches begin to fail or succeed again, and for skipped keys. Nil discards them.
	Log *slog.Logger
	// Now returns the current time; nil means [time.Now].
	Now func() time.Time
	// Transport sends the requests for keys. Nil means a transport for each issuer that trusts the issuer's CAFile.
	Transport http.RoundTripper
	// ReloadInterval is the time between two checks of a key file for changes; zero means five seconds.
	ReloadInterval time.Duration
	// Mint is the credential of callers whose issuer has the credential mode "mint".
	Mint *auth.Credential
	// Path is the path of the list of issuers in errors; empty means "auth.jwt".
	Path string
	// Previous is the verifier that the new one replaces, or nil. Issuers whose keys have the same source keep the source
	// with its keys, so that nothing is fetched again.
	Previous *Verifier

	// OnUnknownKid is called for each token with an unknown kid. OnFetch is called after each fetch of keys, and after
	// each change of a key file: with nil if the keys are in force, otherwise with the reason why not. Both are meant
	// for metrics.
	OnUnknownKid func(issuer string)
	OnFetch      func(issuer string, err error)
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ReloadInterval <= 0 {
		o.ReloadInterval = 5 * time.Second
	}
	if o.Path == "" {
		o.Path = "auth.jwt"
	}
	if o.OnUnknownKid == nil {
		o.OnUnknownKid = func(string) {}
	}
	if o.OnFetch == nil {
		o.OnFetch = func(string, error) {}
	}
	return o
}

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	issuers  []*issuer
	byIssuer map[string]*issuer
	verified *cache.TwoGeneration[digest, verified]
	now      func() time.Time
}

// New returns a verifier for the issuers' tokens. New reads key files; [Verifier.Watch] fetches all other keys. The
// error joins the problems of all issuers, each with the path of the setting.
func New(issuers []config.Issuer, options Options) (*Verifier, error) {
	options = options.withDefaults()
	v := &Verifier{byIssuer: make(map[string]*issuer), verified: cache.NewTwoGeneration[digest, verified](maxVerified), now: options.Now}
	var problems []error
	for index, settings := range issuers {
		issuer, err := newIssuer(settings, options)
		if err == nil && v.byIssuer[settings.Issuer] != nil {
			err = errors.New("issuer: is a duplicate")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s.%w", yamlnode.ElementPath(options.Path, index), err))
			continue
		}
		v.issuers = append(v.issuers, issuer)
		v.byIssuer[settings.Issuer] = issuer
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return v, nil
}

// sourceFor returns the source of the keys of an issuer with the settings, or nil if v has none. A nil verifier has none.
func (v *Verifier) sourceFor(settings config.Issuer) source {
	if v == nil {
		return nil
	}
	for _, issuer := range v.issuers {
		if sameSource(issuer.config, settings) {
			return issuer.source
		}
	}
	return nil
}

// sameSource reports whether the settings from which a source is made are equal. The other settings of an issuer may
// differ, because sources do not use them.
func sameSource(a, b config.Issuer) bool {
	return a.Name == b.Name && a.Issuer == b.Issuer && slices.Equal(a.Algorithms, b.Algorithms) &&
		a.JWKSURL == b.JWKSURL && a.Discovery == b.Discovery && a.PublicKeyFile == b.PublicKeyFile &&
		a.CAFile == b.CAFile && a.AllowPlaintext == b.AllowPlaintext && a.MaxStale == b.MaxStale
}

// Verify returns the principal of a token. Its error is a [problem.Error]: invalid-token if the token fails any check,
// or jwks-unavailable if the issuer's keys are not available. Verify waits up to one second, or until ctx is done, if
// the token has an unknown kid that a fetch may provide, or if the issuer's first keys are being fetched.
func (v *Verifier) Verify(ctx context.Context, token string) (*auth.Principal, error) {
	if len(token) > maxToken {
		return nil, invalid("the token is too long")
	}
	cacheKey := digestOf(token)
	if hit, ok := v.verified.Get(cacheKey); ok && hit.valid(v.now()) {
		return hit.principal, nil
	}
	parsed, err := parse(token)
	if err != nil {
		return nil, invalid(err.Error())
	}
	issuer, ok := v.byIssuer[parsed.issuer()]
	if !ok {
		return nil, invalid("the issuer is not configured")
	}
	result, err := issuer.verify(ctx, parsed)
	if err != nil {
		return nil, err
	}
	v.verified.Put(cacheKey, result)
	return result.principal, nil
}

// Watch fetches the issuers' keys and keeps them current until ctx is done. The caller runs it once, in its own
// goroutine. When it returns, all its goroutines have ended. If the verifier may be replaced, use [Watches] instead.
func (v *Verifier) Watch(ctx context.Context) {
	var watches Watches
	watches.Follow(ctx, v)
	watches.Wait()
}

// Fetch fetches the keys of one issuer, by its URL, and returns why they cannot be used. Unlike [Verifier.Watch] it
// fetches once. The two must not run at the same time.
func (v *Verifier) Fetch(ctx context.Context, issuer string) error {
	found, ok := v.byIssuer[issuer]
	if !ok {
		return errors.New("the issuer is not configured")
	}
	return found.source.fetch(ctx)
}

// Ready returns an error that lists the issuers whose keys have never been fetched, with the reasons. It ignores stale
// keys: taking a replica out of service would not refresh them, and it can serve other callers.
func (v *Verifier) Ready() error {
	var missing []error
	for _, issuer := range v.issuers {
		zero := time.Time{} // no keys are stale at the zero time
		if _, err := issuer.source.current(zero); err != nil {
			missing = append(missing, fmt.Errorf("keys of the issuer %s: %w", issuer.config.Name, err))
		}
	}
	return errors.Join(missing...)
}

// KeyFiles returns a function for each issuer whose keys come from a file. The function reports whether the file on
// disk is in force.
func (v *Verifier) KeyFiles() (inForce []func() bool) {
	for _, issuer := range v.issuers {
		if source, ok := issuer.source.(*pemFile); ok {
			inForce = append(inForce, source.file.InForce)
		}
	}
	return inForce
}

// KeyAges returns the time since each issuer's keys were last fetched, by the issuer's name. Issuers whose keys were
// never fetched, or come from a file, are not included.
func (v *Verifier) KeyAges() map[string]time.Duration {
	ages := make(map[string]time.Duration)
	for _, issuer := range v.issuers {
		if age, ok := issuer.source.age(v.now()); ok {
			ages[issuer.config.Name] = age
		}
	}
	return ages
}
