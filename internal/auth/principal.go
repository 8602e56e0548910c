package auth

import (
	"context"
	"time"
)

// anonymousName is the name of the principal of [Anonymous]; no key may have
// it as its id, lest a key's caller and nobody look alike in histories.
const anonymousName = "anonymous"

// Principal is an authenticated caller. One value is shared by all of the
// caller's requests: nobody changes it. However it is printed, it shows no
// secret.
type Principal struct {
	// Name is what the caller is called upstream (the identity of its
	// requests) and in the log.
	Name string
	// Grants say what it may do; no grant is no access.
	Grants []Grant
	// Metadata goes upstream with every call of this principal. Keys are in
	// lower case; values of "-bin" keys are raw bytes.
	Metadata map[string]string
	// CallerMetadata are the metadata keys, in lower case, that the caller
	// itself may send as Grpc-Metadata-<key>.
	CallerMetadata []string
	// Share is the part of what a replica takes at a time that is for this
	// caller, above 0 and at most 1; zero is the gateway's own setting.
	Share float64
	// Rate is how often the caller may call; its zero value is no limit.
	Rate Rate
	// WorkflowTypes, TaskQueues and NexusEndpoints are those that the caller may
	// start workflows of, put work on, and call; see [Principal.Limited]. No types
	// means any type, no queues means any queue. No endpoints means any endpoint
	// to a caller without limits, and none to others: the owner of an endpoint,
	// not its caller, chose the queue that it leads to.
	WorkflowTypes, TaskQueues, NexusEndpoints []string
	// CompletionCallbacks lets the caller attach completion callbacks, by which
	// the server calls an address of the caller's choice.
	CompletionCallbacks bool
	// OverridesAuthorization lets the caller send the upstream's authorization
	// itself, as Grpc-Metadata-Authorization; it then wins over the credential.
	OverridesAuthorization bool
	// Capability, when it is there, narrows the caller to one workflow.
	Capability *Capability
	// TokenDigest tells the bearers of one maker's delegated tokens apart, who
	// share a name: it is a hash of the token. For others it is empty.
	TokenDigest string
	// Credential is what goes upstream in this caller's name; nil is the
	// upstream's own.
	Credential *Credential
	// Expires is when what identified the caller ends; zero is never.
	Expires time.Time

	// bearer gives the token that the caller has shown, nil when there is none.
	// It is a function because fmt prints the unexported fields of whatever it
	// is given, without asking them.
	bearer func() string
	// account is whose it is that is used up, when that is somebody else's.
	account string
}

// Account is the name under which what the caller uses up is counted: that of a
// delegated token's bearer is its maker's, who could else give itself any number
// of rates and shares.
func (p *Principal) Account() string {
	if p.account != "" {
		return p.account
	}
	return p.Name
}

// Narrowed gives a copy of p under another name that may do no more than bound
// says, until expires. What it uses up is p's.
func (p *Principal) Narrowed(name string, grant Grant, bound *Capability, expires time.Time) *Principal {
	narrowed := *p
	narrowed.Name, narrowed.account = name, p.Account()
	narrowed.Grants, narrowed.Capability, narrowed.Expires = []Grant{grant}, bound, expires
	narrowed.CallerMetadata, narrowed.OverridesAuthorization, narrowed.CompletionCallbacks = nil, false, false
	return &narrowed
}

// Limited reports whether the caller may start some things only, by workflow
// type, by task queue or by Nexus endpoint.
func (p *Principal) Limited() bool {
	return len(p.WorkflowTypes)+len(p.TaskQueues)+len(p.NexusEndpoints) > 0
}

// Rate is a number of calls a second in the long run, and how many may come at
// once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// WithBearer gives a copy of p that has shown token, for [Passthrough].
func (p *Principal) WithBearer(token string) *Principal {
	with := *p
	with.bearer = func() string { return token }
	return &with
}

// Anonymous is the caller of a gateway whose operator wrote
// auth.insecureAnonymous: it may write in every namespace, and may neither
// administer one nor touch what belongs to the cluster.
func Anonymous() *Principal {
	return &Principal{Name: anonymousName, Grants: []Grant{{Namespace: "*", Role: RoleWrite}}}
}

// principalKey is private, so that no other package can plant a principal
// but by [WithPrincipal].
type principalKey struct{}

// WithPrincipal gives a context that carries p to the upstream chain.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom gives the principal that ctx carries. Without one the caller
// must fail closed; a nil principal counts as none.
func PrincipalFrom(ctx context.Context) (*Principal, bool) {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p, p != nil
}
