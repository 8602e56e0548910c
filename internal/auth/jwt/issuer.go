package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/reload"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// issuer verifies the tokens of one issuer.
type issuer struct {
	config     config.Issuer
	source     source
	parser     *gojwt.Parser
	claims     *claimsReader
	credential *auth.Credential
	now        func() time.Time
}

// source provides the keys of one issuer.
type source interface {
	// current returns the keys in force. Its error is the reason why there are none.
	current(now time.Time) (*keySet, error)
	// find returns the key to verify the token with, and may wait for a fetch of keys. Its error is a [problem.Error].
	find(ctx context.Context, t *token) (*key, error)
	// watch keeps the keys current until ctx is done.
	watch(ctx context.Context)
	// fetch fetches the keys once and returns why they cannot be used. It must not be called while watch runs.
	fetch(ctx context.Context) error
	// age returns the time since the keys were last fetched. It reports false if there are no keys or if they come from
	// a file.
	age(now time.Time) (time.Duration, bool)
}

// newIssuer returns an issuer. Its error begins with the path of the invalid setting, relative to the issuer's
// settings.
func newIssuer(settings config.Issuer, options Options) (*issuer, error) {
	if err := requireSettings(settings); err != nil {
		return nil, err
	}
	i := &issuer{config: settings, now: options.Now}
	var err error
	if i.claims, err = newClaimsReader(settings.Claims); err != nil {
		return nil, fmt.Errorf("claims.template: %w", err)
	}
	if i.credential, err = credential(settings.Credential, options.Mint); err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	if i.source = options.Previous.sourceFor(settings); i.source == nil {
		if i.source, err = newSource(settings, options); err != nil {
			return nil, err
		}
	}
	i.parser = gojwt.NewParser(
		gojwt.WithValidMethods(settings.Algorithms),
		gojwt.WithIssuer(settings.Issuer),
		gojwt.WithAudience(settings.Audience...),
		gojwt.WithExpirationRequired(),
		gojwt.WithIssuedAt(),
		gojwt.WithLeeway(settings.Leeway),
		gojwt.WithStrictDecoding(),
		gojwt.WithTimeFunc(options.Now),
	)
	return i, nil
}

// requireSettings rejects empty settings, which golang-jwt would take to mean "do not check".
func requireSettings(settings config.Issuer) error {
	switch {
	case settings.Issuer == "":
		return errors.New("issuer: is missing")
	case len(settings.Audience) == 0 || slices.Contains(settings.Audience, ""):
		return errors.New("audience: must contain at least one value, and no empty value")
	case len(settings.Algorithms) == 0:
		return errors.New("algorithms: must contain at least one value")
	default:
		return nil
	}
}

func credential(mode string, mint *auth.Credential) (*auth.Credential, error) {
	switch {
	case mode == "":
		return nil, nil //nolint:nilnil // nil means the upstream's own credential
	case mode == config.CredentialNone:
		return auth.NoCredential(), nil
	case mode == config.CredentialPassthrough:
		return auth.Passthrough(), nil
	case mode == config.CredentialMint && mint != nil:
		return mint, nil
	case mode == config.CredentialMint:
		return nil, errors.New("requires upstream.credential.mint.keyFile")
	default:
		return nil, errors.New("must be one of none, passthrough, mint")
	}
}

func newSource(settings config.Issuer, options Options) (source, error) {
	h := hooks{
		onFetch:      func(err error) { options.OnFetch(settings.Name, err) },
		onUnknownKid: func() { options.OnUnknownKid(settings.Name) },
	}
	log := options.Log.With(slog.String("issuer", settings.Name))
	if settings.PublicKeyFile != "" {
		reloadOptions := reload.Options{Log: log, OnReload: h.onFetch}
		file, err := openPEM(settings.PublicKeyFile, settings.Algorithms, reloadOptions, options.ReloadInterval)
		if err != nil {
			// InFile adds the name of the file to the error. It is for any file, not only for YAML.
			return nil, fmt.Errorf("publicKeyFile: %w", yamlnode.InFile(settings.PublicKeyFile, err))
		}
		return file, nil
	}
	fetcher, err := newFetcher(settings, options.Transport)
	if err != nil {
		return nil, err
	}
	return newRemote(fetcher, settings, h, log, options.Now), nil
}

// verify verifies a token that names the issuer. The checks that need no key come first, so that a token that fails
// them causes no fetch of keys.
func (i *issuer) verify(ctx context.Context, t *token) (verified, error) {
	switch {
	case !slices.Contains(i.config.Algorithms, t.alg):
		return verified{}, invalid("the algorithm is not allowed for the issuer")
	case !slices.Contains(i.config.Types, t.typ):
		return verified{}, invalid("the typ is not allowed for the issuer")
	case t.isIDToken():
		return verified{}, invalid("the token is an ID token")
	}
	expiry, err := t.expiry(i.now(), i.config.MaxLifetime)
	if err != nil {
		return verified{}, invalid(err.Error())
	}
	subject, ok := i.claims.callerName(t.claims)
	if !ok {
		return verified{}, invalid("the claim with the caller's name is not a string of 1 to 255 bytes without control characters")
	}
	found, err := i.source.find(ctx, t)
	if err != nil {
		return verified{}, err
	}
	if _, err = i.parser.Parse(t.raw, func(*gojwt.Token) (any, error) { return found.public, nil }); err != nil {
		return verified{}, invalid(libraryCause(err))
	}
	return verified{principal: i.principal(t, subject, expiry), issuer: i, key: found}, nil
}

// principal returns the principal that the verified claims describe.
func (i *issuer) principal(t *token, subject string, expiry time.Time) *auth.Principal {
	p := &auth.Principal{
		Name:       i.config.Name + ":" + subject,
		Grants:     i.claims.grants(t.claims),
		Rate:       auth.RateOf(i.config.Rate),
		Credential: i.credential,
		Expires:    expiry.Add(i.config.Leeway), // golang-jwt accepts the token until then
	}
	// The principal contains the caller's token only if the token may be sent to the upstream: an empty mode selects
	// the credential that is configured for the upstream, whose mode may be passthrough.
	if i.config.Credential == "" || i.config.Credential == config.CredentialPassthrough {
		p = p.WithBearer(t.raw)
	}
	return p
}
