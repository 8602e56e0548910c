package auth

import (
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

// Grant is a role on a namespace, or on every namespace with a prefix: "team-*" means
// all that begin with "team-". No prefix covers [SystemNamespace]: a role on the cluster
// must be granted by that exact name.
type Grant struct {
	Namespace string
	Role      Role
}

// covers reports whether the grant applies to namespace. No grant applies to the
// empty namespace: the server would interpret it as a lookup by id or as the default
// namespace, and the caller is authorised for neither.
func (g Grant) covers(namespace string) bool {
	if namespace == "" {
		return false
	}
	prefix, isPrefix := strings.CutSuffix(g.Namespace, "*")
	if !isPrefix {
		return g.Namespace == namespace
	}
	return namespace != SystemNamespace && strings.HasPrefix(namespace, prefix)
}

// Authorize returns a [problem.Error] if p may not call fullMethod in namespace. For an
// RPC with the scope cluster, it ignores namespace and requires a grant on
// [SystemNamespace]. Whether a namespace exists does not change the error, so that callers
// cannot enumerate the namespaces of others.
func (p *Principal) Authorize(fullMethod, namespace string) error {
	if p == nil {
		return problem.New(problem.Unauthenticated, "The call has no principal.")
	}
	access, ok := AccessOf(fullMethod)
	switch {
	case !ok:
		return problem.New(problem.OperationForbidden, "No caller may call this operation.")
	case p.Capability != nil && !p.Capability.allows(fullMethod):
		return errOutsideCapability()
	case access.Scope == ScopeNone:
		return nil
	case access.Scope == ScopeCluster:
		namespace = SystemNamespace
	}
	role := p.RoleOn(namespace)
	switch {
	case role >= access.Role:
		return nil
	case access.Scope == ScopeCluster:
		return problem.Newf(problem.OperationForbidden,
			"The operation affects the whole cluster and needs the role %s on %s.", access.Role, SystemNamespace)
	case role == 0:
		return problem.New(problem.NamespaceForbidden, "The caller has no access to the namespace.")
	default:
		return problem.Newf(problem.OperationForbidden,
			"The operation needs the role %s on the namespace.", access.Role)
	}
}

// AuthorizeInAnyNamespace returns an error unless p may call the method in at least one
// namespace. It is for requests whose namespace is not known yet.
func (p *Principal) AuthorizeInAnyNamespace(fullMethod string) error {
	if p == nil {
		return p.Authorize(fullMethod, "")
	}
	if p.Capability != nil && !p.Capability.allows(fullMethod) {
		return errOutsideCapability()
	}
	access, _ := AccessOf(fullMethod)
	for _, grant := range p.Grants {
		if grant.Role >= access.Role {
			return nil
		}
	}
	return problem.New(problem.NamespaceForbidden, "The caller has no access to the namespace.")
}

// RoleOn returns the highest role that p has on namespace, or zero if it has
// none.
func (p *Principal) RoleOn(namespace string) Role {
	var highest Role
	for _, grant := range p.Grants {
		if grant.Role > highest && grant.covers(namespace) {
			highest = grant.Role
		}
	}
	return highest
}
