package delegated

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/seal"
)

// Tokens issues and verifies delegated tokens. It is safe for concurrent use.
type Tokens struct {
	keys   *seal.Keys
	maxTTL time.Duration
	lookup LookupDelegator
	now    func() time.Time
}

// Delegator is the principal that issued a token, as the gateway currently
// knows it.
type Delegator struct {
	*auth.Principal

	// GrantsStored reports whether the gateway's configuration contains the
	// delegator's grants. If it does, the grants are checked at every use of the
	// token. The grants of a delegator with a JWT are only in that JWT, and were
	// checked when the delegated token was issued.
	GrantsStored bool
}

// LookupDelegator returns the delegator with the given name. It reports false if the
// delegator no longer exists or is disabled.
type LookupDelegator func(name string) (Delegator, bool)

// New returns a [Tokens] that issues tokens with a lifetime of at most maxTTL. A nil
// now means [time.Now].
func New(keys *seal.Keys, maxTTL time.Duration, lookup LookupDelegator, now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{keys: keys, maxTTL: maxTTL, lookup: lookup, now: now}
}

// serialBytes is the size of a token's random serial number, in bytes. Collisions are
// practically impossible.
const serialBytes = 9

// content is the content of a token. The member names are short because a token
// may be part of a link.
type content struct {
	// Serial makes every token unique, even among those that are issued for the
	// same operations in the same second.
	Serial     []byte   `json:"id,omitempty"`
	Delegator  string   `json:"by"`
	Namespace  string   `json:"ns"`
	WorkflowID string   `json:"wf"`
	RunID      string   `json:"run,omitempty"`
	Read       bool     `json:"r,omitzero"`
	Signals    []string `json:"s,omitempty"`
	Updates    []string `json:"u,omitempty"`
	Expires    int64    `json:"exp"` // in seconds since 1970
}

// sealScope separates delegated tokens from everything else that is sealed.
func sealScope() seal.Scope { return seal.Scope{"delegated token"} }

// bearerPrefix is the prefix of the name of a token's bearer. No other caller's name
// has it, because the configuration allows no issuer with the name "delegated".
const bearerPrefix = config.DelegatedName + ":"

// MayIssue returns a [problem.Error] if p is itself the bearer of a delegated token,
// and so may not issue tokens.
func MayIssue(p *auth.Principal) error {
	if p.Capability != nil {
		return problem.New(problem.OperationForbidden, "A delegated token cannot issue other tokens.")
	}
	return nil
}

// Issue returns a token with the capability c, which must not exceed p's grants, and
// the time at which the token expires. The lifetime is ttl, limited to the maximum
// and to the remaining lifetime of p's credential. Errors are [problem.Error]s.
func (t *Tokens) Issue(p *auth.Principal, c auth.Capability, ttl time.Duration) (token string, expires time.Time, err error) {
	if err := MayIssue(p); err != nil {
		return "", time.Time{}, err
	}
	if role, operations := requirement(&c); !p.Permits(c.Namespace, role, operations) {
		return "", time.Time{}, problem.New(problem.OperationForbidden, "A token cannot permit more than its issuer may do.")
	}
	expires = t.now().Add(min(ttl, t.maxTTL)).Truncate(time.Second)
	if !p.Expires.IsZero() && p.Expires.Before(expires) {
		expires = p.Expires.Truncate(time.Second)
	}
	serial := make([]byte, serialBytes)
	_, _ = rand.Read(serial) // never fails
	encoded, err := json.Marshal(content{
		Serial: serial, Delegator: p.Name, Namespace: c.Namespace, WorkflowID: c.WorkflowID, RunID: c.RunID,
		Read: c.Read, Signals: c.Signals, Updates: c.Updates, Expires: expires.Unix(),
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return auth.DelegatedPrefix + t.keys.Seal(sealScope(), encoded), expires, nil
}

// requirement returns what the issuer of a capability needs in the namespace: a grant with
// the role, or with all of the operations.
func requirement(c *auth.Capability) (role auth.Role, operations auth.Operations) {
	role = auth.RoleRead
	if c.Read {
		operations |= auth.OpRead | auth.OpQuery
	}
	if len(c.Signals) > 0 {
		role, operations = auth.RoleWrite, operations|auth.OpSignal
	}
	if len(c.Updates) > 0 {
		role, operations = auth.RoleWrite, operations|auth.OpUpdate
	}
	return role, operations
}

// Verify returns the principal of a token: its delegator, restricted to the capability
// of the token. The token is invalid if the delegator has lost the required grants.
// The error is a [problem.Error].
func (t *Tokens) Verify(_ context.Context, token string) (*auth.Principal, error) {
	encoded, ok := t.keys.Open(sealScope(), strings.TrimPrefix(token, auth.DelegatedPrefix))
	var c content
	switch {
	case !ok || json.Unmarshal(encoded, &c) != nil:
		return nil, invalid(auth.ReasonSeal)
	case !t.now().Before(time.Unix(c.Expires, 0)):
		return nil, invalid(auth.ReasonExpired)
	}
	capability := &auth.Capability{
		Namespace: c.Namespace, WorkflowID: c.WorkflowID, RunID: c.RunID, Read: c.Read, Signals: c.Signals, Updates: c.Updates,
	}
	role, operations := requirement(capability)
	delegator, ok := t.lookup(c.Delegator)
	if !ok || delegator.GrantsStored && !delegator.Permits(c.Namespace, role, operations) {
		return nil, invalid(auth.ReasonDelegator)
	}
	p := delegator.Restricted(bearerPrefix+c.Delegator, auth.Grant{Namespace: c.Namespace, Operations: operations}, capability, time.Unix(c.Expires, 0))
	p.TokenDigest = digest(encoded)
	return p, nil
}

// digest returns the hash of a token's encoded content, which is unique for each
// token. The hash is not secret: the content does not include the seal, and the hash
// does not reveal the serial number.
func digest(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// invalid returns the error for a rejected token. The response is the same for all reasons.
func invalid(reason string) error {
	err := problem.New(problem.InvalidToken, "The token is not valid.").WithCause(&auth.RejectionError{Reason: reason})
	err.Members.BearerError = "invalid_token"
	return err
}
