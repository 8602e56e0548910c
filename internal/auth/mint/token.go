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
	// backDate is how far a server's clock may be behind. The server rejects tokens from the future without any leeway.
	backDate = time.Minute
	// renewAhead is how long before it expires a token is replaced. For short-lived tokens it is a third of the lifetime.
	renewAhead = time.Minute
)

// newSubject returns the subject for a call: the caller and the least privilege that the call requires. The server
// splits a permission at the first colon, so it would misread the name of a namespace that contains a colon.
func newSubject(call auth.CallInfo) (subject, error) {
	if call.Principal == nil || call.Principal.Name == "" {
		return subject{}, errors.New("a call without a principal gets no token")
	}
	s := subject{name: call.Principal.Name, namespace: call.Namespace, role: call.Access.Role}
	switch {
	case call.Access.Scope == auth.ScopeCluster:
		s.namespace = auth.SystemNamespace
	case call.Access.Scope != auth.ScopeNamespace || call.Namespace == "":
		s.namespace, s.role = "", 0
	}
	if strings.Contains(s.namespace, ":") {
		return subject{}, errors.New("a permission cannot express a namespace with a colon in its name")
	}
	return s, nil
}

// permissions returns the claim that Temporal's default claim mapper reads. It must be a list, even if empty.
func (s subject) permissions() []string {
	if s.role == 0 {
		return []string{}
	}
	return []string{s.namespace + ":" + s.role.String()}
}

// mint signs a token.
func mint(cfg *config.Mint, signer *key, sub subject, now time.Time) (mintedToken, error) {
	from := now.Add(-backDate).Unix()
	claims := jwt.MapClaims{
		"iss":         cfg.Issuer,
		"sub":         sub.name,
		"iat":         from,
		"nbf":         from,
		"exp":         now.Add(cfg.TTL).Unix(),
		"permissions": sub.permissions(),
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
