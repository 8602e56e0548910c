package auth

import (
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

// Grant gives a role on a namespace, or on every namespace whose name starts
// with what stands before a trailing "*". No wildcard reaches
// [SystemNamespace]: power over the whole cluster is granted by its name.
type Grant struct {
	Namespace string
	Role      Role
}

// covers reports whether the grant is for namespace. The empty namespace is
// nobody's: the server reads it as "by id" or "the default one", and neither
// is what was authorised.
func (g Grant) covers(namespace string) bool {
	if namespace == "" {
		return false
	}
	prefix, wild := strings.CutSuffix(g.Namespace, "*")
	if !wild {
		return g.Namespace == namespace
	}
	return namespace != SystemNamespace && strings.HasPrefix(namespace, prefix)
}

// Authorize decides whether p may call fullMethod on namespace, and gives a
// [problem.Error] when not. Cluster-wide RPCs are judged by the grant on
// [SystemNamespace], whatever namespace is. A namespace that p may not see
// gets the same answer whether it exists or not, so that nobody can list a
// neighbour's namespaces by asking.
func (p *Principal) Authorize(fullMethod, namespace string) error {
	if p == nil {
		return problem.New(problem.Unauthenticated, "The call carries no identity.")
	}
	access, ok := AccessOf(fullMethod)
	switch {
	case !ok:
		return problem.New(problem.OperationForbidden, "The operation is not open to any caller.")
	case p.Capability != nil && !p.Capability.allows(fullMethod):
		return errOutsideCapability()
	case access.Scope == ScopeOpen:
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
			"The operation concerns the whole cluster and needs the role %s on %s.", access.Role, SystemNamespace)
	case role == 0:
		return problem.New(problem.NamespaceForbidden, "The caller has no access to the namespace.")
	default:
		return problem.Newf(problem.OperationForbidden,
			"The operation needs the role %s on the namespace.", access.Role)
	}
}

// AuthorizeSomewhere is [Principal.Authorize] where the namespace is not known
// yet: it refuses whoever may not call the method in any namespace.
func (p *Principal) AuthorizeSomewhere(fullMethod string) error {
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

// RoleOn is the highest role that any grant gives on namespace, zero when
// none does.
func (p *Principal) RoleOn(namespace string) Role {
	var highest Role
	for _, grant := range p.Grants {
		if grant.Role > highest && grant.covers(namespace) {
			highest = grant.Role
		}
	}
	return highest
}
