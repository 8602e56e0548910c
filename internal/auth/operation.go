package auth

import (
	"errors"
	"math/bits"
	"strings"
)

// Operations is a set of operations. An operation is a group of RPCs that a grant can permit
// by name, finer than a [Role]. The access table has the operations that each RPC needs. The
// zero set permits nothing.
type Operations uint64

// The operations. OpWorkflowTasks includes all that the code of a worker can do in its own
// workflows, such as starting child workflows.
const (
	OpStart Operations = 1 << iota
	OpSignal
	OpQuery
	OpUpdate
	OpRead
	OpCancel
	OpTerminate
	OpDelete
	OpReset
	OpPause
	OpSetOptions

	OpReadSchedules
	OpWriteSchedules
	OpPatchSchedules
	OpDeleteSchedules

	OpReadBatches
	OpWriteBatches

	OpPollActivities
	OpHeartbeatActivities
	OpCompleteActivities
	OpStartActivities
	OpReadActivities
	OpControlActivities
	OpDeleteActivities

	OpWorkflowTasks
	OpNexusTasks
	OpHeartbeatWorkers
	OpReadTaskQueues
	OpWriteTaskQueues

	OpReadDeployments
	OpWriteDeployments
	OpDeleteDeployments

	OpReadRules
	OpWriteRules

	OpStartNexusOperations
	OpReadNexusOperations
	OpControlNexusOperations
	OpDeleteNexusOperations

	OpReadNamespace
	OpWriteNamespace
	OpDeleteNamespace

	OpReadCluster
	OpAdministerCluster
)

// OperationNames returns the names of all operations, in the order of the constants.
func OperationNames() []string {
	return []string{
		"start", "signal", "query", "update", "read", "cancel", "terminate", "delete", "reset", "pause", "set-options",
		"read-schedules", "write-schedules", "patch-schedules", "delete-schedules",
		"read-batches", "write-batches",
		"poll-activities", "heartbeat-activities", "complete-activities",
		"start-activities", "read-activities", "control-activities", "delete-activities",
		"workflow-tasks", "nexus-tasks", "heartbeat-workers", "read-task-queues", "write-task-queues",
		"read-deployments", "write-deployments", "delete-deployments",
		"read-rules", "write-rules",
		"start-nexus-operations", "read-nexus-operations", "control-nexus-operations", "delete-nexus-operations",
		"read-namespace", "write-namespace", "delete-namespace",
		"read-cluster", "administer-cluster",
	}
}

// ParseOperation parses the name of an operation, which is case-sensitive.
func ParseOperation(name string) (Operations, error) {
	for i, known := range OperationNames() {
		if name == known {
			return 1 << i, nil
		}
	}
	return 0, errors.New("must be one of " + strings.Join(OperationNames(), ", "))
}

// Contains reports whether every operation of other is in the set.
func (o Operations) Contains(other Operations) bool { return o&other == other }

// Names returns the names of the operations in the set.
func (o Operations) Names() []string {
	names := make([]string, 0, bits.OnesCount64(uint64(o)))
	for i, name := range OperationNames() {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names of the operations, separated by commas.
func (o Operations) String() string { return strings.Join(o.Names(), ", ") }
