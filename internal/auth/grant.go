package auth

import (
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

// Grant is a role, or a set of operations, on a namespace or on every namespace with a
// prefix: "team-*" means all that begin with "team-". No prefix covers [SystemNamespace]: a
// grant on the cluster must be by that exact name.
type Grant struct {
	Namespace string
	// Role permits all RPCs that need this role or a lower one.
	Role Role
	// Operations permits all RPCs that need no other operation.
	Operations Operations
}

// String returns what the grant permits, and where: "write on orders".
func (g Grant) String() string {
	permitted := g.Operations.Names()
	if g.Role != 0 {
		permitted = append([]string{g.Role.String()}, permitted...)
	}
	return strings.Join(permitted, ", ") + " on " + g.Namespace
}

// covers reports whether the grant applies to namespace. No grant applies to the
// empty namespace: the server would interpret it as a lookup by id or as the default
// namespace, and the caller is authorised for neither.
func (g *Grant) covers(namespace string) bool {
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
	role, operations := p.grantedOn(namespace)
	switch {
	case suffices(role, operations, &access):
		return nil
	case operations != 0:
		return problem.Newf(problem.OperationForbidden, "The caller's grant does not permit the operation; it needs: %s.", access.Operations)
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

// AuthorizeInternal is like [Principal.Authorize], for a read that the gateway makes for its
// own checks and whose response the caller does not see. Instead of the operation it needs
// any grant on the namespace. It never permits a write, nor an RPC on the cluster.
func (p *Principal) AuthorizeInternal(fullMethod, namespace string) error {
	access, _ := AccessOf(fullMethod)
	if access.Role != RoleRead || access.Scope != ScopeNamespace || p == nil || p.Capability != nil || !p.HasGrantOn(namespace) {
		return p.Authorize(fullMethod, namespace)
	}
	return nil
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
	var role Role
	var operations Operations
	for _, grant := range p.Grants {
		role, operations = max(role, grant.Role), operations|grant.Operations
	}
	if suffices(role, operations, &access) {
		return nil
	}
	return problem.New(problem.NamespaceForbidden, "The caller has no access to the namespace.")
}

// RoleOn returns the highest role that p has on namespace, or zero if it has
// none.
func (p *Principal) RoleOn(namespace string) Role {
	role, _ := p.grantedOn(namespace)
	return role
}

// OperationsOn returns the operations that p has on namespace beside those that its role
// permits.
func (p *Principal) OperationsOn(namespace string) Operations {
	_, operations := p.grantedOn(namespace)
	return operations
}

// Permits reports whether p has the role on namespace, or all of the operations.
func (p *Principal) Permits(namespace string, role Role, operations Operations) bool {
	grantedRole, grantedOperations := p.grantedOn(namespace)
	return suffices(grantedRole, grantedOperations, &Access{Role: role, Operations: operations})
}

// HasGrantOn reports whether p may do anything at all in namespace.
func (p *Principal) HasGrantOn(namespace string) bool {
	role, operations := p.grantedOn(namespace)
	return role != 0 || operations != 0
}

// grantedOn returns the highest role, and all operations, of the grants that apply to
// namespace.
func (p *Principal) grantedOn(namespace string) (role Role, operations Operations) {
	for i := range p.Grants {
		if grant := &p.Grants[i]; grant.covers(namespace) {
			role, operations = max(role, grant.Role), operations|grant.Operations
		}
	}
	return role, operations
}

// suffices reports whether the role or the operations are what an RPC needs. An RPC without
// operations needs the role.
func suffices(role Role, operations Operations, needed *Access) bool {
	return role >= needed.Role || needed.Operations != 0 && operations.Contains(needed.Operations)
}
