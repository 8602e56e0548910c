package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/reload"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// callers is one version of the JWT issuers and the client certificates. It is immutable, so that each request is
// authenticated by one version as a whole.
type callers struct {
	settings config.Callers
	tokens   *jwt.Verifier // nil without issuers
	// bearers maps the name of each JWT issuer to a principal with the upstream credential and the rate of that issuer.
	// Calls with a delegated token must use the same as the bearer of the JWT who created it.
	bearers       map[string]*auth.Principal
	certificates  *auth.Certificates
	authenticator *auth.Authenticator
}

// openCallers opens the verifiers of JWTs and of client certificates. If they are in a file, it registers a watcher that
// reloads them.
func (g *gateway) openCallers(transport http.RoundTripper) error {
	id := &g.identity
	if g.cfg.Auth.File == "" {
		fixed, err := g.newCallers("auth", g.cfg.Callers(), nil, transport)
		if err != nil {
			return err
		}
		id.callers = func() *callers { return fixed }
		if fixed.tokens != nil {
			g.watchers = append(g.watchers, fixed.tokens.Watch)
		}
	} else if err := g.openCallersFile(transport); err != nil {
		return fmt.Errorf("auth.file: %w", yamlnode.InFile(g.cfg.Auth.File, err))
	}
	g.observeIssuers()
	return nil
}

// openCallersFile reads the file auth.file and registers its watcher.
func (g *gateway) openCallersFile(transport http.RoundTripper) error {
	file, err := reload.Open(g.cfg.Auth.File, func(content []byte, inForce *callers) (*callers, error) {
		settings, err := g.cfg.ParseCallers(content)
		if err != nil {
			return nil, err
		}
		return g.newCallers("", *settings, inForce, transport)
	}, reload.Options{Log: g.log, OnReload: func(err error) { g.metrics.AuthFileReloaded(g.background, err) }})
	if err != nil {
		return err
	}
	g.metrics.ObserveFile(fileAuth, file.InForce)
	g.identity.callers = file.Load
	g.watchers = append(g.watchers, func(ctx context.Context) {
		var keys jwt.Watches
		defer keys.Wait()
		keys.Follow(ctx, file.Load().tokens)
		reload.PollInterval(ctx, credentialInterval, func(ctx context.Context) {
			file.Poll(ctx)
			keys.Follow(ctx, file.Load().tokens)
		})
	})
	return nil
}

// newCallers returns the version that replaces previous, which may be nil. The lists of settings are at path in errors.
// The verifier of tokens is new even if nothing has changed, and so is its cache: a token that was verified by other
// settings is verified again.
func (g *gateway) newCallers(path string, settings config.Callers, previous *callers, transport http.RoundTripper) (*callers, error) {
	c := &callers{settings: settings, bearers: map[string]*auth.Principal{}}
	var problems [2]error
	if len(settings.JWT) > 0 {
		options := jwt.Options{
			Log: g.log, Mint: g.identity.minted, Transport: transport, Path: yamlnode.FieldPath(path, "jwt"),
			OnFetch:      func(issuer string, err error) { g.metrics.IssuerKeysFetched(g.background, issuer, err) },
			OnUnknownKid: func(issuer string) { g.metrics.UnknownKid(g.background, issuer) },
		}
		if previous != nil {
			options.Previous = previous.tokens
		}
		c.tokens, problems[0] = jwt.New(settings.JWT, options)
	}
	c.certificates, problems[1] = auth.NewCertificates(yamlnode.FieldPath(path, "certificates"), settings.Certificates)
	if err := errors.Join(problems[:]...); err != nil {
		return nil, err
	}
	for _, issuer := range settings.JWT {
		g.metrics.StartIssuer(issuer.Name)
		bearer := &auth.Principal{Name: issuer.Name, Rate: auth.RateOf(issuer.Rate)}
		if issuer.Credential != "" { // otherwise the default upstream credential is used
			var err error
			if bearer.Credential, err = g.credential(issuer.Credential, ""); err != nil {
				return nil, err
			}
		}
		c.bearers[issuer.Name] = bearer
	}
	c.authenticator = g.identity.newAuthenticator(c)
	return c, nil
}

// newAuthenticator returns an authenticator with all configured verifiers. It checks each for nil, because an interface
// that holds a nil pointer is not nil.
func (id *identity) newAuthenticator(c *callers) *auth.Authenticator {
	verifiers := auth.Verifiers{Delegated: id.delegated, Certificates: c.certificates, Anonymous: id.anonymous != nil}
	if id.keys != nil {
		verifiers.Keys = id.keys
	}
	if c.tokens != nil {
		verifiers.Tokens = c.tokens
	}
	return auth.NewAuthenticator(verifiers)
}

// observeIssuers adds the ages of the issuers' keys, and the files with such keys, to the metrics.
func (g *gateway) observeIssuers() {
	inForce := g.identity.callers
	g.metrics.ObserveKeyAges(func() map[string]time.Duration {
		if tokens := inForce().tokens; tokens != nil {
			return tokens.KeyAges()
		}
		return nil
	})
	if g.cfg.Auth.File != "" || len(inForce().keyFiles()) > 0 {
		g.metrics.ObserveFile(fileIssuerKeys, func() bool {
			for _, fileInForce := range inForce().keyFiles() {
				if !fileInForce() {
					return false
				}
			}
			return true
		})
	}
}

// keyFiles returns a function for each issuer whose keys come from a file, as [jwt.Verifier.KeyFiles] does.
func (c *callers) keyFiles() []func() bool {
	if c.tokens == nil {
		return nil
	}
	return c.tokens.KeyFiles()
}
