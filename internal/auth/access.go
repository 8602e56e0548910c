package auth

import (
	"errors"
	"iter"
	"maps"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// SystemNamespace is the namespace in grants for cluster-wide RPCs, as in Temporal's
// default authorizer.
const SystemNamespace = "temporal-system"

// Role is a level of access. Each role includes the ones below it. The zero Role
// grants nothing, so that a missing field cannot grant access.
type Role uint8

// The roles, weakest first.
const (
	RoleRead Role = iota + 1
	RoleWrite
	RoleAdmin
)

// ParseRole parses the name of a role, which is case-sensitive.
func ParseRole(name string) (Role, error) {
	for _, role := range []Role{RoleRead, RoleWrite, RoleAdmin} {
		if name == role.String() {
			return role, nil
		}
	}
	return 0, errors.New("must be one of read, write, admin")
}

// String returns the name that [ParseRole] parses.
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

// Scope is the grant that an RPC requires.
type Scope uint8

const (
	// ScopeNamespace requires a grant on the namespace of the request.
	ScopeNamespace Scope = iota + 1
	// ScopeCluster requires a grant on [SystemNamespace]: the RPC reads or
	// changes what belongs to every tenant.
	ScopeCluster
	// ScopeNone requires a principal but no grant. Only GetSystemInfo has it,
	// because every SDK calls that RPC first.
	ScopeNone
)

// Access is the access that one RPC requires.
type Access struct {
	Role  Role
	Scope Scope
	// Operations are what a grant by operation must contain. An RPC that does the work of
	// several needs all of theirs. It is empty only if the scope is [ScopeNone].
	Operations Operations
	// Retry reports whether the RPC may be retried, because a second attempt does
	// no work twice: the RPC only reads, or its request has a request id or an
	// update id by which the server detects the duplicate. Code that retries a
	// write must set that id.
	Retry bool
}

// AccessOf returns the access that an RPC requires, by its full method name
// ("/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution").
// A method that is not in the table is denied, even if the upstream has it: a method
// of a newer server becomes available only with a row in the table.
func AccessOf(fullMethod string) (Access, bool) {
	access, ok := accessTable[fullMethod]
	return access, ok
}

// AccessTable returns the access table by full method name, in no particular order.
func AccessTable() iter.Seq2[string, Access] { return maps.All(accessTable) }

// Methods returns all RPCs of the Temporal API that the gateway is linked with:
// those of the workflow service, then those of the operator service, each in the
// order of its proto file. The access table has a row for each of them.
func Methods() iter.Seq[protoreflect.MethodDescriptor] {
	return func(yield func(protoreflect.MethodDescriptor) bool) {
		for _, file := range []protoreflect.FileDescriptor{
			workflowservice.File_temporal_api_workflowservice_v1_service_proto,
			operatorservice.File_temporal_api_operatorservice_v1_service_proto,
		} {
			for i := range file.Services().Len() {
				methods := file.Services().Get(i).Methods()
				for j := range methods.Len() {
					if !yield(methods.Get(j)) {
						return
					}
				}
			}
		}
	}
}

// FullMethod returns the full gRPC name of an RPC: "/package.Service/Method".
func FullMethod(method protoreflect.MethodDescriptor) string {
	return "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
}

func read(o Operations) Access {
	return Access{Role: RoleRead, Scope: ScopeNamespace, Operations: o, Retry: true}
}

func write(o Operations) Access { return Access{Role: RoleWrite, Scope: ScopeNamespace, Operations: o} }

func admin(o Operations) Access { return Access{Role: RoleAdmin, Scope: ScopeNamespace, Operations: o} }

// writeOnce is for a write whose request has a request id or an update id.
func writeOnce(o Operations) Access {
	return Access{Role: RoleWrite, Scope: ScopeNamespace, Operations: o, Retry: true}
}

// open is for a read that needs no grant.
func open() Access { return Access{Role: RoleRead, Scope: ScopeNone, Retry: true} }

func clusterRead() Access {
	return Access{Role: RoleRead, Scope: ScopeCluster, Operations: OpReadCluster, Retry: true}
}

func clusterAdmin() Access {
	return Access{Role: RoleAdmin, Scope: ScopeCluster, Operations: OpAdministerCluster}
}

// clusterAdminRead is for a read whose response (addresses of other clusters, targets
// of Nexus endpoints) only administrators may see.
func clusterAdminRead() Access {
	return Access{Role: RoleAdmin, Scope: ScopeCluster, Operations: OpAdministerCluster, Retry: true}
}
