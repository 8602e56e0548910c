package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/reload"
)

// Credential authenticates calls to the upstream. All format verbs print the name of
// the credential and never a token.
type Credential struct {
	name   string
	source Source
	// tokenFile is nil unless the mode is static.
	tokenFile *reload.File[staticToken]
}

// Source provides the authorization that a [Credential] sends with each call.
type Source interface {
	// Authorization returns the value of the authorization metadata for one
	// call; it is empty if none is sent.
	Authorization(ctx context.Context, call CallInfo) (string, error)
	// CacheKey returns different keys for callers that may get different responses
	// from the upstream. The key is empty if all calls have the same
	// authorization. It is not secret.
	CacheKey(p *Principal) string
}

// CallInfo describes the call that needs an authorization.
type CallInfo struct {
	Principal *Principal
	// Namespace is the namespace of the call; it is empty if there is none.
	Namespace string
	// Access is the access that the RPC requires.
	Access Access
}

// NewCredential returns a credential with the given source. The name identifies the
// credential and is not secret.
func NewCredential(name string, source Source) *Credential {
	return &Credential{name: name, source: source}
}

// NoCredential returns a credential that sends no authorization.
func NoCredential() *Credential { return NewCredential(config.CredentialNone, fixed("")) }

// fixed is a [Source] with the same authorization for all calls.
type fixed string

func (f fixed) Authorization(context.Context, CallInfo) (string, error) { return string(f), nil }

func (fixed) CacheKey(*Principal) string { return "" }

// OpenStatic returns a credential that sends the token that the file contains.
// [Credential.Watch] reloads the file. A nil log discards reports of reloads. The
// error does not quote the path.
func OpenStatic(file string, log *slog.Logger) (*Credential, error) {
	token, err := reload.Open(file, parseToken, reload.Options{Log: log})
	if err != nil {
		return nil, err
	}
	return &Credential{name: config.CredentialStatic + ":" + file, source: fileToken{token}, tokenFile: token}, nil
}

// staticToken is one version of a token file.
type staticToken struct {
	authorization string
	// expires is the exp of a token that is a JWT; zero for other tokens.
	expires time.Time
}

// fileToken is the [Source] of the mode static.
type fileToken struct{ file *reload.File[staticToken] }

func (t fileToken) Authorization(context.Context, CallInfo) (string, error) {
	return t.file.Load().authorization, nil
}

func (fileToken) CacheKey(*Principal) string { return "" }

// Passthrough returns a credential that sends the token of the caller. It fails for
// callers that were authenticated without a token, except for RPCs that require no
// grant, such as the gateway's own health probes.
func Passthrough() *Credential { return NewCredential(config.CredentialPassthrough, passthrough{}) }

type passthrough struct{}

func (passthrough) Authorization(_ context.Context, call CallInfo) (string, error) {
	switch {
	case call.Principal.bearer != nil:
		return "Bearer " + call.Principal.bearer(), nil
	case call.Access.Scope == ScopeNone:
		return "", nil
	default:
		return "", errors.New("the caller has sent no token to pass through")
	}
}

func (passthrough) CacheKey(p *Principal) string {
	if p.bearer == nil {
		return "none"
	}
	sum := sha256.Sum256([]byte(p.bearer()))
	return hex.EncodeToString(sum[:])
}

// Authorization returns the value of the authorization metadata for one call; it
// is empty if none is sent.
func (c *Credential) Authorization(ctx context.Context, call CallInfo) (string, error) {
	return c.source.Authorization(ctx, call)
}

// ID identifies the credential that is sent with calls by p. It is not secret. Callers
// with different IDs never share a response, because the upstream may return
// different responses to them.
func (c *Credential) ID(p *Principal) string {
	if key := c.source.CacheKey(p); key != "" {
		return c.name + ":" + key
	}
	return c.name
}

// Mode returns none, static, passthrough or mint.
func (c *Credential) Mode() string {
	mode, _, _ := strings.Cut(c.name, ":")
	return mode
}

// Watch reloads the token file when it changes, until ctx ends. It checks the
// file every interval, which must be positive. Without a token file it
// returns immediately. Call it once, in its own goroutine.
func (c *Credential) Watch(ctx context.Context, interval time.Duration) {
	if c.tokenFile != nil {
		reload.PollInterval(ctx, interval, c.Poll)
	}
}

// Poll reloads the token file if it has changed. Without a token file it does nothing.
// It is for callers that watch many files in one loop.
func (c *Credential) Poll(ctx context.Context) {
	if c.tokenFile != nil {
		c.tokenFile.Poll(ctx)
	}
}

// InForce reports whether the token file on disk is in force. Without a token file it is true.
func (c *Credential) InForce() bool { return c.tokenFile == nil || c.tokenFile.InForce() }

// Expires returns when the token in force expires, if it comes from a file and is a JWT with
// an exp. Otherwise it returns the zero time.
func (c *Credential) Expires() time.Time {
	if c.tokenFile == nil {
		return time.Time{}
	}
	return c.tokenFile.Load().expires
}

// String returns the name.
func (c Credential) String() string { return "credential(" + c.name + ")" }

// Format prints the name for every verb, including %#v and %d.
func (c Credential) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, c.String()) }

// LogValue returns the name, for a log.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// parseToken parses a token file: one token, with an optional line break. A second
// line or a control character could inject a header. The error must not quote the
// content.
func parseToken(content []byte, _ *staticToken) (*staticToken, error) {
	token := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if token == "" || len(token) > MaxTokenBytes || !visibleASCII(token) {
		return nil, errors.New("must hold one token: one line of visible ASCII without spaces")
	}
	return &staticToken{authorization: "Bearer " + token, expires: expiryOf(token)}, nil
}

// expiryOf returns the exp of a JWT, or zero if the token is not a JWT or has no exp. The result
// is for a metric: only the upstream verifies the token.
func expiryOf(token string) time.Time {
	var claims jwt.RegisteredClaims
	_, _, err := jwt.NewParser().ParseUnverified(token, &claims)
	// If only the algorithm is unknown, the claims are still set.
	if err != nil && !errors.Is(err, jwt.ErrTokenUnverifiable) || claims.ExpiresAt == nil {
		return time.Time{}
	}
	return claims.ExpiresAt.Time
}
