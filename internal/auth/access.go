package auth

import (
	"errors"
	"iter"
	"maps"
)

// SystemNamespace is the namespace that cluster-wide RPCs are granted on, as
// in Temporal's own authorizer.
const SystemNamespace = "temporal-system"

// Role is a level of access. Each includes the ones below it; the zero Role
// grants nothing, so that a forgotten field cannot open a door.
type Role uint8

// The roles, weakest first.
const (
	RoleRead Role = iota + 1
	RoleWrite
	RoleAdmin
)

// ParseRole reads the name of a role. It is strict about case: a file that
// says "Admin" was not written for this gateway.
func ParseRole(name string) (Role, error) {
	for _, role := range []Role{RoleRead, RoleWrite, RoleAdmin} {
		if name == role.String() {
			return role, nil
		}
	}
	return 0, errors.New("must be one of read, write, admin")
}

// String is the name that [ParseRole] reads.
func (r Role) String() string {
	switch r {
	case RoleRead:
		return "read"
	case RoleWrite:
		return "write"
	case RoleAdmin:
		return "admin"
	default:
		return "none"
	}
}

// Scope says which grant an RPC is judged by.
type Scope uint8

const (
	// ScopeNamespace needs a grant on the namespace of the request.
	ScopeNamespace Scope = iota + 1
	// ScopeCluster needs a grant on [SystemNamespace]: the RPC sees or
	// changes what belongs to every tenant.
	ScopeCluster
	// ScopeOpen needs a principal and no grant, because every SDK makes the
	// call before any other.
	ScopeOpen
)

// Access is what one RPC demands.
type Access struct {
	Role  Role
	Scope Scope
	// Retry says that a second attempt cannot do the work twice: the RPC
	// reads, or its request has a request id or update id by which the server
	// knows it again. Whoever retries a write must see to it that the id is set.
	Retry bool
}

// AccessOf gives the access that an RPC demands, by its full name
// ("/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution").
// A method that the table does not name is denied, whatever the upstream
// would say: a newer server's methods open only with a newer table.
func AccessOf(fullMethod string) (Access, bool) {
	access, ok := accessTable[fullMethod]
	return access, ok
}

// Methods lists the full names in the table, in no order.
func Methods() iter.Seq[string] { return maps.Keys(accessTable) }

func read() Access  { return Access{Role: RoleRead, Scope: ScopeNamespace, Retry: true} }
func write() Access { return Access{Role: RoleWrite, Scope: ScopeNamespace} }
func admin() Access { return Access{Role: RoleAdmin, Scope: ScopeNamespace} }

// writeOnce is a write whose request carries a request id or an update id.
func writeOnce() Access { return Access{Role: RoleWrite, Scope: ScopeNamespace, Retry: true} }

// open is a read that needs no grant.
func open() Access { return Access{Role: RoleRead, Scope: ScopeOpen, Retry: true} }

func clusterRead() Access  { return Access{Role: RoleRead, Scope: ScopeCluster, Retry: true} }
func clusterAdmin() Access { return Access{Role: RoleAdmin, Scope: ScopeCluster} }

// clusterAdminRead only reads, but what it shows (addresses of other clusters,
// where Nexus endpoints lead) is for administrators.
func clusterAdminRead() Access { return Access{Role: RoleAdmin, Scope: ScopeCluster, Retry: true} }
