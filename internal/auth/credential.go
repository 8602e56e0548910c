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

	"github.com/flowgate/flowgate/internal/reload"
)

// Credential is what goes upstream in the name of a caller. However it is
// printed, it shows its name and never a token.
type Credential struct {
	name   string
	source Source
	// token is the file of the mode static.
	token *reload.File[string]
}

// Source makes what a [Credential] sends, call by call.
type Source interface {
	// Authorization is the value of the upstream's authorization metadata for
	// one call, empty when none is sent.
	Authorization(ctx context.Context, call CallInfo) (string, error)
	// CacheKey tells apart the callers to whom the upstream may show different
	// things; it is empty when what is sent is the same for all. It is no secret.
	CacheKey(p *Principal) string
}

// CallInfo is the call that a credential is for.
type CallInfo struct {
	Principal *Principal
	// Namespace is the one that the call is about, empty when it is about none.
	Namespace string
	// Access is what the RPC demands.
	Access Access
}

// The modes of a [Credential].
const (
	modeNone        = "none"
	modeStatic      = "static"
	modePassthrough = "passthrough"
	modeMint        = "mint"
)

// NewCredential makes a credential from a source. Its name tells it from
// others and is no secret.
func NewCredential(name string, source Source) *Credential {
	return &Credential{name: name, source: source}
}

// NoCredential sends nothing.
func NoCredential() *Credential { return NewCredential(modeNone, shared("")) }

// shared is a [Source] that sends the same for all.
type shared string

func (s shared) Authorization(context.Context, CallInfo) (string, error) { return string(s), nil }

func (shared) CacheKey(*Principal) string { return "" }

// OpenStatic makes the credential of the token in a file, which is read again
// when it changes (see [Credential.Watch]). Its error does not quote the path. A nil log discards reloads.
func OpenStatic(file string, log *slog.Logger) (*Credential, error) {
	token, err := reload.Open(file, parseToken, reload.Options{Log: log})
	if err != nil {
		return nil, err
	}
	return &Credential{name: modeStatic + ":" + file, source: fileToken{token}, token: token}, nil
}

// fileToken is the [Source] of the mode static.
type fileToken struct{ file *reload.File[string] }

func (t fileToken) Authorization(context.Context, CallInfo) (string, error) {
	return *t.file.Load(), nil
}

func (fileToken) CacheKey(*Principal) string { return "" }

// Passthrough sends the token that the caller itself has shown. It fails for
// callers who were told by something else than a token, but where the RPC is
// open to everybody: the gateway's own look at the server's health is such a
// call.
func Passthrough() *Credential { return NewCredential(modePassthrough, passthrough{}) }

type passthrough struct{}

func (passthrough) Authorization(_ context.Context, call CallInfo) (string, error) {
	switch {
	case call.Principal.bearer != nil:
		return "Bearer " + call.Principal.bearer(), nil
	case call.Access.Scope == ScopeOpen:
		return "", nil
	default:
		return "", errors.New("the caller has shown no token that could be passed through")
	}
}

func (passthrough) CacheKey(p *Principal) string {
	if p.bearer == nil {
		return "nobody"
	}
	sum := sha256.Sum256([]byte(p.bearer()))
	return hex.EncodeToString(sum[:])
}

// Authorization is the value of the upstream's authorization metadata for one
// call, empty when none is sent.
func (c *Credential) Authorization(ctx context.Context, call CallInfo) (string, error) {
	return c.source.Authorization(ctx, call)
}

// ID tells apart the credentials that calls of p go out with, without being
// secret. Callers whose credentials have different IDs never share an upstream
// answer: the upstream may show them different things.
func (c *Credential) ID(p *Principal) string {
	if whose := c.source.CacheKey(p); whose != "" {
		return c.name + ":" + whose
	}
	return c.name
}

// Mode is none, static, passthrough or mint.
func (c *Credential) Mode() string {
	mode, _, _ := strings.Cut(c.name, ":")
	return mode
}

// Watch follows changes of the token's file, looking every interval (which
// must be positive), until ctx ends; without a file it returns at once. The
// caller runs it, once, in a goroutine of its own.
func (c *Credential) Watch(ctx context.Context, interval time.Duration) {
	if c.token != nil {
		reload.Every(ctx, interval, c.token.Poll)
	}
}

// String shows the name.
func (c Credential) String() string { return "credential(" + c.name + ")" }

// Format shows the name under every verb, %#v and %d among them.
func (c Credential) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, c.String()) }

// LogValue shows the name in a log.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// parseToken reads a secret file: one token, which the last line break does
// not belong to. A second line or a stray control character would break out of
// the header; the error must not quote it.
func parseToken(content []byte, _ *string) (*string, error) {
	token := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if token == "" || len(token) > maxTokenSize || !visibleASCII(token) {
		return nil, errors.New("must hold one token: one line of visible ASCII without spaces")
	}
	value := "Bearer " + token
	return &value, nil
}
