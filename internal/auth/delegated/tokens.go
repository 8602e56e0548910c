package delegated

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/seal"
)

// Tokens makes and takes delegated tokens. It is safe for concurrent use.
type Tokens struct {
	keys   *seal.Keys
	maxTTL time.Duration
	lookup LookupDelegator
	now    func() time.Time
}

// Delegator is who made a token, as far as the gateway still knows it.
type Delegator struct {
	*auth.Principal

	// GrantsStored says that the gateway keeps the maker's grants: they are looked up at
	// every use. What the bearer of a JWT may do stood in that JWT alone, and was
	// looked at when the token was made.
	GrantsStored bool
}

// LookupDelegator finds a maker by its name; none when it is gone or disabled.
type LookupDelegator func(name string) (Delegator, bool)

// New makes tokens that last at most maxTTL. A nil clock is the system's.
func New(keys *seal.Keys, maxTTL time.Duration, makers LookupDelegator, now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{keys: keys, maxTTL: maxTTL, lookup: makers, now: now}
}

// serialBytes are too many to meet one again among the tokens of a second.
const serialBytes = 9

// content is what stands in a token. The names are short because it may become
// part of a link.
type content struct {
	// Serial makes each token another one, also of those that are made for the
	// same in the same second.
	Serial     []byte   `json:"id,omitempty"`
	Delegator  string   `json:"by"`
	Namespace  string   `json:"ns"`
	WorkflowID string   `json:"wf"`
	RunID      string   `json:"run,omitempty"`
	Read       bool     `json:"r,omitempty"`
	Signals    []string `json:"s,omitempty"`
	Updates    []string `json:"u,omitempty"`
	Expires    int64    `json:"exp"` // seconds since 1970
}

// scope sets delegated tokens apart from all else that is sealed.
func scope() seal.Scope { return seal.Scope{"delegated token"} }

// prefix tells the bearer of a token from its maker, and from everybody else: no
// issuer has this name.
const prefix = config.DelegatedName + ":"

// MayIssue refuses callers that may make no token at all: the bearers of one.
func MayIssue(p *auth.Principal) error {
	if p.Capability != nil {
		return problem.New(problem.OperationForbidden, "A delegated token cannot make others.")
	}
	return nil
}

// Issue makes a token for what p itself may do. It lasts for ttl, at most as
// long as is allowed and as p's own credential does.
func (t *Tokens) Issue(p *auth.Principal, b auth.Capability, ttl time.Duration) (token string, expires time.Time, err error) {
	if err := MayIssue(p); err != nil {
		return "", time.Time{}, err
	}
	if p.RoleOn(b.Namespace) < requiredRole(&b) {
		return "", time.Time{}, problem.New(problem.OperationForbidden, "A token cannot be good for more than its maker may do.")
	}
	expires = t.now().Add(min(ttl, t.maxTTL)).Truncate(time.Second)
	if !p.Expires.IsZero() && p.Expires.Before(expires) {
		expires = p.Expires.Truncate(time.Second)
	}
	serial := make([]byte, serialBytes)
	_, _ = rand.Read(serial) // never fails
	text, err := json.Marshal(content{
		Serial: serial, Delegator: p.Name, Namespace: b.Namespace, WorkflowID: b.WorkflowID, RunID: b.RunID,
		Read: b.Read, Signals: b.Signals, Updates: b.Updates, Expires: expires.Unix(),
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return auth.DelegatedPrefix + t.keys.Seal(scope(), text), expires, nil
}

// requiredRole is the role that the bound's operations take.
func requiredRole(b *auth.Capability) auth.Role {
	if len(b.Signals)+len(b.Updates) > 0 {
		return auth.RoleWrite
	}
	return auth.RoleRead
}

// Verify gives the principal of a token: its maker, narrowed. What the maker
// has lost since, the token has lost too.
func (t *Tokens) Verify(_ context.Context, token string) (*auth.Principal, error) {
	text, ok := t.keys.Open(scope(), strings.TrimPrefix(token, auth.DelegatedPrefix))
	var c content
	if !ok || json.Unmarshal(text, &c) != nil || !t.now().Before(time.Unix(c.Expires, 0)) {
		return nil, invalid()
	}
	bound := &auth.Capability{
		Namespace: c.Namespace, WorkflowID: c.WorkflowID, RunID: c.RunID, Read: c.Read, Signals: c.Signals, Updates: c.Updates,
	}
	role := requiredRole(bound)
	maker, ok := t.lookup(c.Delegator)
	if !ok || maker.GrantsStored && maker.RoleOn(c.Namespace) < role {
		return nil, invalid()
	}
	p := maker.Narrowed(prefix+c.Delegator, auth.Grant{Namespace: c.Namespace, Role: role}, bound, time.Unix(c.Expires, 0))
	p.TokenDigest = digest(text)
	return p, nil
}

// digest is of what is sealed, which one token alone has. It is no secret: the
// seal is not in it, and the serial cannot be found from it.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// invalid is the one answer to a token that does not hold, whatever is wrong
// with it.
func invalid() error {
	err := problem.New(problem.InvalidToken, "The token is not valid.")
	err.Members.BearerError = "invalid_token"
	return err
}
