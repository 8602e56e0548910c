package auth

import (
	"context"
	"math"
	"time"

	"github.com/flowgate/flowgate/internal/config"
)

// AnonymousName is the name of the principal that [Anonymous] returns. No API key may
// have this id: its callers would appear as anonymous in workflow histories.
const AnonymousName = "anonymous"

// Principal is an authenticated caller. All requests of the caller share one value,
// so it must not be modified. No format verb prints a secret.
type Principal struct {
	// Name is the caller's name in the log, and its identity upstream.
	Name string
	// Grants are the roles that the caller has. A caller without grants has no
	// access.
	Grants []Grant
	// Metadata is sent to the upstream with every call of this principal. Keys are in
	// lower case; values of "-bin" keys are raw bytes.
	Metadata map[string]string
	// CallerMetadata are the metadata keys, in lower case, that the caller
	// itself may send as Grpc-Metadata-<key>.
	CallerMetadata []string
	// Share is the part of a replica's slots in each pool that the caller may hold,
	// above 0 and at most 1. Zero means the configured default share.
	Share float64
	// Rate is the caller's rate limit. The zero value means no limit.
	Rate Rate
	// WorkflowTypes are the types of workflows that the caller may start, TaskQueues
	// the task queues that it may put work on, and NexusEndpoints the endpoints that
	// it may call. An empty list of types or queues permits all of them. An empty
	// list of endpoints permits all endpoints if the other two lists are empty too,
	// and otherwise none: the owner of an endpoint chooses its task queue, which
	// may be outside the caller's limits.
	WorkflowTypes, TaskQueues, NexusEndpoints []string
	// CompletionCallbacks permits the caller to attach completion callbacks, with
	// which the server calls an address that the caller chooses.
	CompletionCallbacks bool
	// OverridesAuthorization permits the caller to send the upstream's
	// authorization itself, as Grpc-Metadata-Authorization. It takes precedence
	// over Credential.
	OverridesAuthorization bool
	// Capability restricts the caller to one workflow; nil means no restriction.
	Capability *Capability
	// TokenDigest is a hash of the caller's delegated token. It distinguishes the
	// tokens of one delegator, whose bearers have the same name. It is empty for
	// callers without a delegated token.
	TokenDigest string
	// Credential authenticates the caller's calls to the upstream; nil means the
	// upstream's configured credential.
	Credential *Credential
	// Expires is when the caller's own credential expires; zero means never.
	Expires time.Time

	// bearer returns the token that the caller sent; it is nil if there is none. It
	// is a function because fmt would print the token in an unexported field.
	bearer func() string
	// account is the name that [Principal.Account] returns. If it is empty, that is Name.
	account string
}

// Account returns the name that rates and shares are charged to. For the bearer of a
// delegated token it is the name of the delegator: a caller could otherwise multiply
// its rate and its share by issuing tokens.
func (p *Principal) Account() string {
	if p.account != "" {
		return p.account
	}
	return p.Name
}

// Restricted returns a copy of p with another name, whose only rights are the grant,
// restricted to the capability. The copy expires at the given time. Its requests
// are charged to p's account.
func (p *Principal) Restricted(name string, grant Grant, capability *Capability, expires time.Time) *Principal {
	narrowed := *p
	narrowed.Name, narrowed.account = name, p.Account()
	narrowed.Grants, narrowed.Capability, narrowed.Expires = []Grant{grant}, capability, expires
	narrowed.CallerMetadata, narrowed.OverridesAuthorization, narrowed.CompletionCallbacks = nil, false, false
	return &narrowed
}

// Limited reports whether the caller is limited to some workflow types, task
// queues or Nexus endpoints.
func (p *Principal) Limited() bool {
	return len(p.WorkflowTypes)+len(p.TaskQueues)+len(p.NexusEndpoints) > 0
}

// Rate is a sustained rate in calls per second, and the maximum burst.
type Rate struct {
	PerSecond float64
	Burst     int
}

// RateOf returns the configured rate, with a burst of one second's requests if none is set.
func RateOf(r config.Rate) Rate {
	if r.PerSecond > 0 && r.Burst == 0 {
		r.Burst = max(1, int(math.Ceil(r.PerSecond)))
	}
	return Rate{PerSecond: r.PerSecond, Burst: r.Burst}
}

// WithBearer returns a copy of p with the token that the caller sent, for
// [Passthrough].
func (p *Principal) WithBearer(token string) *Principal {
	clone := *p
	clone.bearer = func() string { return token }
	return &clone
}

// Anonymous returns the principal of requests without a credential, which the
// setting auth.insecureAnonymous allows. It has the role write on every namespace. It
// may neither administer a namespace nor call RPCs that require a cluster grant.
func Anonymous() *Principal {
	return &Principal{Name: AnonymousName, Grants: []Grant{{Namespace: "*", Role: RoleWrite}}}
}

// principalKey is unexported, so that other packages can set a principal only with
// [WithPrincipal].
type principalKey struct{}

// WithPrincipal returns a context that carries p to package upstream.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the principal of ctx. It reports false if there is none or if
// it is nil; the call must then be rejected.
func PrincipalFrom(ctx context.Context) (*Principal, bool) {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p, p != nil
}
