package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/cache"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Options say what a [Verifier] takes from its surroundings and whom it tells of what. The zero value is of use.
type Options struct {
	// Log is told of keys that come, stay away or are left out; nil is nobody.
	Log *slog.Logger
	// Now is the clock that tokens and keys are held against; nil is [time.Now].
	Now func() time.Time
	// Transport sends the requests for keys; nil is one for each issuer, which trusts the issuer's CAFile.
	Transport http.RoundTripper
	// ReloadInterval is how often files of keys are looked at; zero is every five seconds.
	ReloadInterval time.Duration
	// Mint is the credential of callers whose issuer has the credential "mint".
	Mint *auth.Credential

	// The hooks are meant for metrics, and are given the issuer's name. OnUnknownKid is called for each token with a kid
	// that no key has, OnFetch after each attempt to get keys: with nil when they are in force, with the reason when not.
	// Of a file it is told when the file changes.
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
	if o.OnUnknownKid == nil {
		o.OnUnknownKid = func(string) {}
	}
	if o.OnFetch == nil {
		o.OnFetch = func(string, error) {}
	}
	return o
}

// Verifier tells whose a token is. Any number of goroutines may ask it.
type Verifier struct {
	issuers  []*issuer
	byIssuer map[string]*issuer
	verified *cache.TwoGeneration[digest, verified]
	now      func() time.Time
}

// New makes a verifier of the issuers' tokens. Files of keys are read here, other keys are fetched by [Verifier.Watch]. Its
// error joins what is wrong with each issuer, by the path of the setting.
func New(issuers []config.Issuer, options Options) (*Verifier, error) {
	options = options.withDefaults()
	v := &Verifier{byIssuer: make(map[string]*issuer), verified: cache.NewTwoGeneration[digest, verified](maxVerified), now: options.Now}
	var problems []error
	for n, settings := range issuers {
		i, err := newIssuer(settings, options)
		if err == nil && v.byIssuer[settings.Issuer] != nil {
			err = errors.New("issuer: is a duplicate")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s.%w", yamlnode.Index("auth.jwt", n), err))
			continue
		}
		v.issuers = append(v.issuers, i)
		v.byIssuer[settings.Issuer] = i
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return v, nil
}

// Verify gives the principal of a token. Its error is a [problem.Error]: invalid-token whatever is wrong with the token, or
// jwks-unavailable when the issuer's keys are. It may wait for a second, or for ctx, when the token names a key that the
// issuer may have begun to use, or the issuer's first keys are on their way.
func (v *Verifier) Verify(ctx context.Context, token string) (*auth.Principal, error) {
	if len(token) > maxToken {
		return nil, invalid("the token is too long")
	}
	known := digestOf(token)
	if hit, ok := v.verified.Get(known); ok && hit.valid(v.now()) {
		return hit.principal, nil
	}
	parsed, err := parse(token)
	if err != nil {
		return nil, invalid(err.Error())
	}
	i, ok := v.byIssuer[parsed.issuer()]
	if !ok {
		return nil, invalid("the issuer is not configured")
	}
	passed, err := i.verify(ctx, parsed)
	if err != nil {
		return nil, err
	}
	v.verified.Put(known, passed)
	return passed.principal, nil
}

// Watch fetches the issuers' keys and keeps them current until ctx ends. The caller runs it, once, in a goroutine of its
// own; when it returns nothing of it is left.
func (v *Verifier) Watch(ctx context.Context) {
	var all sync.WaitGroup
	for _, i := range v.issuers {
		all.Go(func() { i.source.watch(ctx) })
	}
	all.Wait()
}

// Ready tells which issuers' keys have never been had, and why; nil when there is none. Keys that have been had and grew
// stale since do not count: taking a replica out of service would not bring them back, and there are other callers.
func (v *Verifier) Ready() error {
	var missing []error
	for _, i := range v.issuers {
		anyTime := time.Time{} // to which no keys are stale
		if _, err := i.source.current(anyTime); err != nil {
			missing = append(missing, fmt.Errorf("keys of the issuer %s: %w", i.config.Name, err))
		}
	}
	return errors.Join(missing...)
}

// KeyAges gives, by the issuer's name, for how long its keys have not been seen at the issuer. Issuers of which no key was
// ever had, or whose keys are in a file, have no age.
func (v *Verifier) KeyAges() map[string]time.Duration {
	ages := make(map[string]time.Duration)
	for _, i := range v.issuers {
		if age, ok := i.source.age(v.now()); ok {
			ages[i.config.Name] = age
		}
	}
	return ages
}
