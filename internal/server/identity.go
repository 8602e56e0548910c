package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/auth/delegated"
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
	callers   func() *callers // returns the version in force
	delegated *delegated.Tokens
	seals     *seal.Keys
	signer    *mint.Signer
	minted    *auth.Credential

	// wasReady is whether the keys of all JWT issuers have been available at the same time.
	wasReady atomic.Bool
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
	return errors.Join(g.openSigner(), g.openKeys(), g.openCallers(options.KeyTransport)) // reported together
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
		d.Principal, ok = id.callers().certificates.PrincipalByName(name)
	default:
		d.GrantsStored = false
		if d.Principal, ok = id.callers().bearers[kind]; ok {
			bearer := *d.Principal
			bearer.Name = name
			d.Principal = &bearer
		}
	}
	return d, ok
}

// ready returns an error until the keys of every JWT issuer have been fetched. From then on it returns nil: an issuer that
// is added while its keys cannot be fetched must not take all replicas out of service.
func (id *identity) ready() error {
	if id.wasReady.Load() {
		return nil
	}
	if tokens := id.callers().tokens; tokens != nil {
		if err := tokens.Ready(); err != nil {
			return err
		}
	}
	id.wasReady.Store(true)
	return nil
}

// jwks returns the public keys that verify minted tokens, or nil if the gateway does not mint tokens.
func (id *identity) jwks() []byte {
	if id.signer == nil {
		return nil
	}
	return id.signer.JWKS()
}
