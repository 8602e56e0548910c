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

// DelegatedPrefix is the prefix of delegated tokens.
const DelegatedPrefix = "fgt."

// Verifiers are the configured methods of authentication. Methods that are not
// configured are nil.
type Verifiers struct {
	// Keys verifies API keys, Tokens verifies JWTs, and Delegated verifies
	// delegated tokens.
	Keys, Tokens, Delegated Verifier
	Certificates            *Certificates
	// Anonymous admits requests without any credential as [Anonymous]. Requests
	// with an invalid credential are still rejected.
	Anonymous bool
}

// Verifier verifies one kind of token.
type Verifier interface {
	// Verify returns the principal of a token. Errors are [problem.Error]s.
	Verify(ctx context.Context, token string) (*Principal, error)
}

// Authenticator authenticates requests.
type Authenticator struct{ verifiers Verifiers }

// NewAuthenticator returns an authenticator that uses the given verifiers.
func NewAuthenticator(verifiers Verifiers) *Authenticator { return &Authenticator{verifiers} }

// Authenticate returns the principal of a request. The request must have exactly one
// credential, or none if anonymous requests are allowed. Requests with two credentials
// are rejected: if a proxy checked one of them and the gateway the other, a caller could
// act as someone else. A client certificate is used only for requests without another
// credential: it belongs to the connection, which a proxy may share between callers.
// Errors are [problem.Error]s.
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
		return a.verifyBearer(r.Context(), token)
	case len(apiKey) == 1:
		return a.verifyKey(r.Context(), apiKey[0])
	default:
		return a.withoutHeader(r.TLS)
	}
}

// verifyBearer verifies a bearer token. Only the form of the token selects the
// verifier, so that a token of one kind is never accepted as another kind.
func (a *Authenticator) verifyBearer(ctx context.Context, token string) (*Principal, error) {
	switch {
	case strings.HasPrefix(token, DelegatedPrefix) && a.verifiers.Delegated != nil:
		return a.verifiers.Delegated.Verify(ctx, token)
	case strings.Count(token, ".") == 2 && a.verifiers.Tokens != nil:
		return a.verifiers.Tokens.Verify(ctx, token)
	default:
		return a.verifyKey(ctx, token)
	}
}

func (a *Authenticator) verifyKey(ctx context.Context, key string) (*Principal, error) {
	if a.verifiers.Keys == nil {
		return nil, InvalidCredential(RejectionError{Reason: ReasonMalformed})
	}
	return a.verifiers.Keys.Verify(ctx, key)
}

// withoutHeader authenticates a request that has no credential in a header: by the
// client certificate, or as anonymous.
func (a *Authenticator) withoutHeader(state *tls.ConnectionState) (*Principal, error) {
	if principal := a.verifiers.Certificates.principalOf(state); principal != nil {
		return principal, nil
	}
	if a.verifiers.Anonymous {
		return Anonymous(), nil
	}
	return nil, problem.New(problem.Unauthenticated, "The request carries no credential.")
}

// bearerToken returns the token of an Authorization value: the scheme in any case,
// one space and the token. With a more lenient syntax, a proxy and the gateway could
// read different tokens from the same header.
func bearerToken(value string) (string, error) {
	end := strings.IndexAny(value, " \t")
	if end < 0 {
		end = len(value)
	}
	if !strings.EqualFold(value[:end], "Bearer") {
		return "", problem.New(problem.Unauthenticated, "The authorization scheme is not supported; use Bearer.")
	}
	token, ok := strings.CutPrefix(value[end:], " ")
	if !ok || token == "" || len(token) > MaxTokenBytes || !visibleASCII(token) {
		return "", InvalidCredential(RejectionError{Reason: ReasonMalformed})
	}
	return token, nil
}

// Strip deletes the credentials of an authenticated request. Otherwise every
// upstream, log or trace that records headers could leak them.
func Strip(h http.Header) {
	for _, name := range []string{headerAuthorization, headerAPIKey, "Cookie", "Proxy-Authorization"} {
		h.Del(name)
	}
}

// InvalidCredential returns the error for invalid credentials. The response is the same
// for all reasons, so that a caller cannot learn why a credential is invalid. The reason is
// for the log.
func InvalidCredential(reason RejectionError) error {
	err := problem.New(problem.InvalidCredential, "The credential is not valid.").WithCause(&reason)
	err.Members.BearerError = "invalid_token"
	return err
}

// MaxTokenBytes is the maximum length of a credential, in bytes.
const MaxTokenBytes = 8 << 10

// visibleASCII reports whether s consists of visible ASCII characters, without spaces
// and control characters.
func visibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
