package auth

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

const (
	headerAuthorization = "Authorization"
	headerAPIKey        = "X-Api-Key"
)

// DelegatedPrefix begins the tokens that the gateway makes for its callers to
// hand on.
const DelegatedPrefix = "fgt."

// Verifiers are all by which callers may say who they are. A nil way knows nobody.
type Verifiers struct {
	Keys *Keys
	// Tokens takes JWTs, Delegated the tokens that the gateway itself has made.
	Tokens, Delegated Verifier
	Certificates      *Certificates
	// Anonymous lets a request without any credential in as [Anonymous]; one
	// with a wrong credential is refused all the same, since its sender believes
	// to be somebody.
	Anonymous bool
}

// Verifier knows whose a token is. Its errors are [problem.Error]s.
type Verifier interface {
	Verify(ctx context.Context, token string) (*Principal, error)
}

// Authenticator finds out who sends a request.
type Authenticator struct{ verifiers Verifiers }

// NewAuthenticator makes an authenticator.
func NewAuthenticator(ways Verifiers) *Authenticator { return &Authenticator{ways} }

// Authenticate reads the one credential of r. Two of them are refused and not
// ranked: a proxy in front that checks one and a gateway that believes the
// other are how identities get swapped. A client certificate counts for
// requests that carry nothing else: it belongs to the connection, which a proxy
// may share.
func (a *Authenticator) Authenticate(r *http.Request) (*Principal, error) {
	authorization, apiKey := r.Header[headerAuthorization], r.Header[headerAPIKey]
	switch {
	case len(authorization)+len(apiKey) > 1:
		return nil, problem.New(problem.AmbiguousCredentials,
			"Send exactly one credential, as Authorization: Bearer or as X-API-Key.")
	case len(authorization) == 1:
		token, err := bearerToken(authorization[0])
		if err != nil {
			return nil, err
		}
		return a.bearer(r.Context(), token)
	case len(apiKey) == 1:
		return a.key(apiKey[0])
	default:
		return a.connection(r.TLS)
	}
}

// bearer asks those who may know the token, by its form: each kind is one's
// alone, so that none can pass for another.
func (a *Authenticator) bearer(ctx context.Context, token string) (*Principal, error) {
	switch {
	case strings.HasPrefix(token, DelegatedPrefix) && a.verifiers.Delegated != nil:
		return a.verifiers.Delegated.Verify(ctx, token)
	case strings.Count(token, ".") == 2 && a.verifiers.Tokens != nil:
		return a.verifiers.Tokens.Verify(ctx, token)
	default:
		return a.key(token)
	}
}

func (a *Authenticator) key(key string) (*Principal, error) {
	if a.verifiers.Keys == nil {
		return nil, invalidCredential()
	}
	return a.verifiers.Keys.authenticate(key)
}

// connection tells who a request without a credential is from.
func (a *Authenticator) connection(state *tls.ConnectionState) (*Principal, error) {
	if who := a.verifiers.Certificates.owner(state); who != nil {
		return who, nil
	}
	if a.verifiers.Anonymous {
		return Anonymous(), nil
	}
	return nil, problem.New(problem.Unauthenticated, "The request carries no credential.")
}

// bearerToken takes the token out of an Authorization value: the scheme in
// any case, one space, the token. Anything looser is a place where two parsers
// of the same header disagree.
func bearerToken(value string) (string, error) {
	end := strings.IndexAny(value, " \t")
	if end < 0 {
		end = len(value)
	}
	if !strings.EqualFold(value[:end], "Bearer") {
		return "", problem.New(problem.Unauthenticated, "The authorization scheme is not supported; use Bearer.")
	}
	token, ok := strings.CutPrefix(value[end:], " ")
	if !ok || token == "" || len(token) > maxTokenSize || !visibleASCII(token) {
		return "", invalidCredential()
	}
	return token, nil
}

// Strip deletes what identified the caller, once it has served: a credential
// that travels on would be stolen by the first upstream, log or trace that
// keeps headers.
func Strip(h http.Header) {
	for _, name := range []string{headerAuthorization, headerAPIKey, "Cookie", "Proxy-Authorization"} {
		h.Del(name)
	}
}
