package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/auth/mint"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/seal"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// identity is all that tells who calls, and what is said upstream of it. What
// is not configured is nil.
type identity struct {
	anonymous *auth.Principal
	keys      *auth.Keys
	tokens    *jwt.Verifier
	// bearers are whoever brings an issuer's tokens, by its name, as makers of delegated tokens: what goes upstream in
	// their names must not change when they hand one on.
	bearers map[string]*auth.Principal

	certificates *auth.Certificates
	delegated    *delegated.Tokens
	seals        *seal.Keys
	signer       *mint.Signer
	minted       *auth.Credential
}

// authenticate opens every way by which callers may say who they are, and has
// their files and keys followed.
func (g *gateway) openIdentity(options Options) (err error) {
	id := &g.identity
	if g.cfg.Auth.InsecureAnonymous {
		id.anonymous = auth.Anonymous()
		g.log.Warn("everybody is let in: auth.insecureAnonymous is set")
	}
	if id.seals, err = seal.Open(g.cfg.Tokens.KeyFiles); err != nil {
		return err
	}
	if len(g.cfg.Tokens.KeyFiles) == 0 {
		g.log.Warn("page tokens and delegated tokens are good on this replica only, and until it stops: tokens.keyFiles is not set")
	}
	id.delegated = delegated.New(id.seals, g.cfg.Tokens.MaxTTL, id.maker, nil)
	failed := []error{g.openSigner(), g.openKeys(), g.openIssuers(options.KeyTransport), nil} // each tells of its own files
	id.certificates, failed[3] = auth.NewCertificates(g.cfg.Auth.Certificates)
	return errors.Join(failed...)
}

// openIssuers prepares for the tokens of issuers, when there are any.
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
	g.metrics.KeyAges = id.tokens.KeyAges
	g.watchers = append(g.watchers, id.tokens.Watch)
	id.bearers = map[string]*auth.Principal{}
	for _, issuer := range g.cfg.Auth.JWT {
		bearer := &auth.Principal{Name: issuer.Name}
		if issuer.Credential != "" { // else it is the upstream's
			if bearer.Credential, err = g.credential(issuer.Credential, ""); err != nil {
				return err
			}
		}
		id.bearers[issuer.Name] = bearer
	}
	return nil
}

// openSigner reads the keys that sign what is minted, when there are any.
func (g *gateway) openSigner() error {
	cfg := g.cfg.Upstream.Credential.Mint
	if cfg.KeyFile == "" {
		return nil
	}
	signer, err := mint.Open(cfg, mint.Options{
		Log: g.log, OnReload: func(err error) { g.metrics.SigningKeysReloaded(g.background, err) },
	})
	if err != nil {
		g.identity.minted = auth.NoCredential() // nothing runs: the keys and issuers that would mint tell of their own faults alone
		return fmt.Errorf("upstream.credential.mint.keyFile: %w", yamlnode.InFile(cfg.KeyFile, err))
	}
	g.watchers = append(g.watchers, func(ctx context.Context) { signer.Watch(ctx, credentialInterval) })
	g.identity.signer = signer
	g.identity.minted = auth.NewCredential(config.CredentialMint, signer)
	return nil
}

// openKeys reads the API keys, when there are any.
func (g *gateway) openKeys() error {
	cfg := g.cfg.Auth.APIKeys
	if cfg.File == "" {
		return nil
	}
	keys, err := auth.OpenKeys(cfg.File, auth.Options{
		Log: g.log, Refusal: g.cfg.PlaintextCredentialProblem(), Mint: g.identity.minted,
		OnReload: func(err error) { g.metrics.KeysReloaded(g.background, err) },
	})
	if err != nil {
		return err
	}
	g.metrics.KeysReloaded(g.background, nil)
	g.watchers = append(g.watchers, func(ctx context.Context) { keys.Watch(ctx, cfg.ReloadInterval) })
	g.identity.keys = keys
	return nil
}

// newAuthMiddleware asks all of them.
func (id *identity) authenticator(anonymous bool) *auth.Authenticator {
	ways := auth.Verifiers{Keys: id.keys, Delegated: id.delegated, Certificates: id.certificates, Anonymous: anonymous}
	if id.tokens != nil {
		ways.Tokens = id.tokens
	}
	return auth.NewAuthenticator(ways)
}

// maker finds who made a delegated token, by the form of the name: those of keys
// have no colon.
func (id *identity) maker(name string) (m delegated.Delegator, ok bool) {
	kind, _, colon := strings.Cut(name, ":")
	m.GrantsStored = true
	switch {
	case !colon && id.keys != nil:
		m.Principal, ok = id.keys.Owner(name)
	case !colon:
		m.Principal, ok = id.anonymous, id.anonymous != nil
	case kind == config.CertificateName:
		m.Principal, ok = id.certificates.Owner(name)
	default:
		m.GrantsStored = false
		if m.Principal, ok = id.bearers[kind]; ok {
			bearer := *m.Principal
			bearer.Name = name
			m.Principal = &bearer
		}
	}
	return m, ok
}

// ready says which keys are not there yet without which callers are refused.
func (id *identity) ready() error {
	if id.tokens == nil {
		return nil
	}
	return id.tokens.Ready()
}

// jwks is the set of the keys that sign what is minted, nil when nothing is.
func (id *identity) jwks() []byte {
	if id.signer == nil {
		return nil
	}
	return id.signer.JWKS()
}
