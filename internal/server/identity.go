package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/auth/mint"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/seal"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// identity holds the verifiers of callers' credentials, and the keys that sign page tokens, delegated tokens and minted
// tokens. A field is nil if it is not configured.
type identity struct {
	anonymous *auth.Principal
	keys      *apikey.Keys
	tokens    *jwt.Verifier
	// bearers maps the name of each JWT issuer to a principal with the upstream credential and the rate of that issuer.
	// Calls with a delegated token must use the same as the bearer of the JWT who created it.
	bearers map[string]*auth.Principal

	certificates *auth.Certificates
	delegated    *delegated.Tokens
	seals        *seal.Keys
	signer       *mint.Signer
	minted       *auth.Credential
}

// openIdentity opens all verifiers and credentials, and registers the watchers of
// their files and keys.
func (g *gateway) openIdentity(options Options) (err error) {
	id := &g.identity
	if g.cfg.Auth.InsecureAnonymous {
		id.anonymous = auth.Anonymous()
		g.log.Warn("authentication is disabled: auth.insecureAnonymous is set")
	}
	if id.seals, err = seal.Open(g.cfg.Tokens.KeyFiles); err != nil {
		return err
	}
	if len(g.cfg.Tokens.KeyFiles) == 0 {
		g.log.Warn("page tokens and delegated tokens are valid on this replica only, and until it stops: tokens.keyFiles is not set")
	}
	id.delegated = delegated.New(id.seals, g.cfg.Tokens.MaxTTL, id.delegator, nil)
	failed := []error{g.openSigner(), g.openKeys(), g.openIssuers(options.KeyTransport), nil} // reported together
	id.certificates, failed[3] = auth.NewCertificates(g.cfg.Auth.Certificates)
	return errors.Join(failed...)
}

// openIssuers opens the verifier of JWTs, if issuers are configured.
func (g *gateway) openIssuers(transport http.RoundTripper) (err error) {
	id := &g.identity
	if len(g.cfg.Auth.JWT) == 0 {
		return nil
	}
	id.tokens, err = jwt.New(g.cfg.Auth.JWT, jwt.Options{
		Log: g.log, Mint: id.minted, Transport: transport,
		OnFetch:      func(issuer string, err error) { g.metrics.IssuerKeysFetched(g.background, issuer, err) },
		OnUnknownKid: func(issuer string) { g.metrics.UnknownKid(g.background, issuer) },
	})
	if err != nil {
		return err
	}
	g.metrics.ObserveKeyAges(id.tokens.KeyAges)
	for _, inForce := range id.tokens.KeyFiles() {
		g.metrics.ObserveFile(fileIssuerKeys, inForce)
	}
	g.watchers = append(g.watchers, id.tokens.Watch)
	id.bearers = map[string]*auth.Principal{}
	for _, issuer := range g.cfg.Auth.JWT {
		g.metrics.StartIssuer(issuer.Name)
		bearer := &auth.Principal{Name: issuer.Name, Rate: auth.RateOf(issuer.Rate)}
		if issuer.Credential != "" { // otherwise the default upstream credential is used
			if bearer.Credential, err = g.credential(issuer.Credential, ""); err != nil {
				return err
			}
		}
		id.bearers[issuer.Name] = bearer
	}
	return nil
}

// openSigner reads the keys that sign minted tokens, if they are configured.
func (g *gateway) openSigner() error {
	cfg := g.cfg.Upstream.Credential.Mint
	if cfg.KeyFile == "" {
		return nil
	}
	signer, err := mint.Open(cfg, mint.Options{
		Log: g.log, OnReload: func(err error) { g.metrics.SigningKeysReloaded(g.background, err) },
	})
	if err != nil {
		g.identity.minted = auth.NoCredential() // otherwise API keys and issuers with the mode "mint" would report a second problem
		return fmt.Errorf("upstream.credential.mint.keyFile: %w", yamlnode.InFile(cfg.KeyFile, err))
	}
	g.watchers = append(g.watchers, func(ctx context.Context) { signer.Watch(ctx, credentialInterval) })
	g.metrics.ObserveFile(fileSigningKeys, signer.InForce)
	g.identity.signer = signer
	g.identity.minted = auth.NewCredential(config.CredentialMint, signer)
	return nil
}

// openKeys reads the API keys, if they are configured.
func (g *gateway) openKeys() error {
	cfg := g.cfg.Auth.APIKeys
	if cfg.File == "" {
		return nil
	}
	keys, err := apikey.Open(cfg.File, apikey.Options{
		Log: g.log, CredentialProblem: g.cfg.PlaintextCredentialProblem(), Mint: g.identity.minted,
		OnReload: func(err error) { g.metrics.KeysReloaded(g.background, err) },
	})
	if err != nil {
		return err
	}
	g.metrics.KeysReloaded(g.background, nil)
	g.watchers = append(g.watchers, func(ctx context.Context) { keys.Watch(ctx, cfg.ReloadInterval) })
	g.observeKeys(keys)
	g.identity.keys = keys
	return nil
}

// authenticator returns an authenticator with all configured verifiers. It checks each for nil, because an interface
// that holds a nil pointer is not nil.
func (id *identity) authenticator(anonymous bool) *auth.Authenticator {
	verifiers := auth.Verifiers{Delegated: id.delegated, Certificates: id.certificates, Anonymous: anonymous}
	if id.keys != nil {
		verifiers.Keys = id.keys
	}
	if id.tokens != nil {
		verifiers.Tokens = id.tokens
	}
	return auth.NewAuthenticator(verifiers)
}

// delegator returns the principal that created a delegated token, by its name. A name with a colon belongs to a
// certificate or a JWT, any other name to an API key or to the anonymous caller.
func (id *identity) delegator(name string) (d delegated.Delegator, ok bool) {
	kind, _, colon := strings.Cut(name, ":")
	d.GrantsStored = true
	switch {
	case !colon && id.keys != nil:
		d.Principal, ok = id.keys.PrincipalByID(name)
	case !colon:
		d.Principal, ok = id.anonymous, id.anonymous != nil
	case kind == config.CertificateName:
		d.Principal, ok = id.certificates.PrincipalByName(name)
	default:
		d.GrantsStored = false
		if d.Principal, ok = id.bearers[kind]; ok {
			bearer := *d.Principal
			bearer.Name = name
			d.Principal = &bearer
		}
	}
	return d, ok
}

// ready returns an error while the keys of a JWT issuer have never been fetched.
func (id *identity) ready() error {
	if id.tokens == nil {
		return nil
	}
	return id.tokens.Ready()
}

// jwks returns the public keys that verify minted tokens, or nil if the gateway does not mint tokens.
func (id *identity) jwks() []byte {
	if id.signer == nil {
		return nil
	}
	return id.signer.JWKS()
}
