package mint

import (
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
)

const (
	// backDate is by how much a server's clock may be behind: it takes no token from the future, not by a second.
	backDate = time.Minute
	// renewAhead is how long before its end a token is sent no more, or a third of its life when that is shorter.
	renewAhead = time.Minute
)

// newSubject is what a token says of a call: who makes it, and the least that it needs. A permission is cut at its first
// colon, so that a name with one in it would be read as another's.
func newSubject(call auth.CallInfo) (subject, error) {
	if call.Principal == nil || call.Principal.Name == "" {
		return subject{}, errors.New("a call without a caller gets no token")
	}
	s := subject{name: call.Principal.Name, namespace: call.Namespace, role: call.Access.Role}
	switch {
	case call.Access.Scope == auth.ScopeCluster:
		s.namespace = auth.SystemNamespace
	case call.Access.Scope != auth.ScopeNamespace || call.Namespace == "":
		s.namespace, s.role = "", 0
	}
	if strings.Contains(s.namespace, ":") {
		return subject{}, errors.New("no permission can be written for a namespace with a colon in its name")
	}
	return s, nil
}

// permissions is the claim that Temporal's default claim mapper reads; it must be a list, be it empty.
func (s subject) permissions() []string {
	if s.role == 0 {
		return []string{}
	}
	return []string{s.namespace + ":" + s.role.String()}
}

// mint signs a token.
func mint(cfg *config.Mint, signer *key, of subject, now time.Time) (mintedToken, error) {
	from := now.Add(-backDate).Unix()
	claims := jwt.MapClaims{
		"iss":         cfg.Issuer,
		"sub":         of.name,
		"iat":         from,
		"nbf":         from,
		"exp":         now.Add(cfg.TTL).Unix(),
		"permissions": of.permissions(),
	}
	switch len(cfg.Audience) {
	case 0:
	case 1:
		claims["aud"] = cfg.Audience[0]
	default:
		claims["aud"] = cfg.Audience
	}
	token, err := signer.sign(claims)
	if err != nil {
		return mintedToken{}, errors.New("the signing key failed")
	}
	until := now.Add(cfg.TTL - min(renewAhead, cfg.TTL/3)).Unix()
	return mintedToken{header: "Bearer " + token, from: from, until: until}, nil
}
