package auth

import (
	"net/http"
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

const (
	headerAuthorization = "Authorization"
	headerAPIKey        = "X-Api-Key"
)

// Authenticator finds out who sends a request.
type Authenticator struct {
	keys      *Keys
	anonymous *Principal
}

// NewAuthenticator makes an authenticator over keys, which may be nil when
// there are none. With anonymous, a request without any credential is let in
// as [Anonymous]; one with a wrong credential is refused all the same, since
// its sender believes to be somebody.
func NewAuthenticator(keys *Keys, anonymous bool) *Authenticator {
	a := &Authenticator{keys: keys}
	if anonymous {
		a.anonymous = Anonymous()
	}
	return a
}

// Authenticate reads the one credential in h. Two of them are refused and not
// ranked: a proxy in front that checks one and a gateway that believes the
// other are how identities get swapped.
func (a *Authenticator) Authenticate(h http.Header) (*Principal, error) {
	authorization, apiKey := h[headerAuthorization], h[headerAPIKey]
	switch {
	case len(authorization)+len(apiKey) > 1:
		return nil, problem.New(problem.AmbiguousCredentials,
			"Send exactly one credential, as Authorization: Bearer or as X-API-Key.")
	case len(authorization) == 1:
		token, err := bearerToken(authorization[0])
		if err != nil {
			return nil, err
		}
		return a.check(token)
	case len(apiKey) == 1:
		return a.check(apiKey[0])
	case a.anonymous != nil:
		return a.anonymous, nil
	default:
		return nil, problem.New(problem.Unauthenticated, "The request carries no credential.")
	}
}

// check asks those who may know the token.
func (a *Authenticator) check(token string) (*Principal, error) {
	if a.keys == nil {
		return nil, invalidCredential()
	}
	return a.keys.authenticate(token)
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
