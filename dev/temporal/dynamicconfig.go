package temporal

import (
	"go.temporal.io/server/chasm/lib/activity"
	"go.temporal.io/server/chasm/lib/nexusoperation"
	"go.temporal.io/server/common/dynamicconfig"
)

// dynamicConfig lifts the limits that a test run would meet long before a user does (ten visibility calls a second,
// one change of a namespace a second, one batch at a time) and turns on what a server offers but leaves off.
func dynamicConfig() dynamicconfig.StaticClient {
	const unlimited = 1_000_000
	return dynamicconfig.StaticClient{
		dynamicconfig.FrontendRPS.Key():                                                        unlimited,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():                                 unlimited,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key():                       unlimited,
		dynamicconfig.FrontendNamespaceReplicationInducingAPIsRPS.Key():                        unlimited,
		dynamicconfig.FrontendMaxNamespaceNamespaceReplicationInducingAPIsRPSPerInstance.Key(): unlimited,
		dynamicconfig.FrontendMaxConcurrentBatchOperationPerNamespace.Key():                    unlimited,
		dynamicconfig.MatchingMaxDeployments.Key():                                             unlimited,
		dynamicconfig.FrontendMaxConcurrentLongRunningRequestsPerInstance.Key():                unlimited,
		dynamicconfig.HistoryRPS.Key():                                                         unlimited,
		dynamicconfig.MatchingRPS.Key():                                                        unlimited,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                                          unlimited,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                                           unlimited,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                                          unlimited,

		dynamicconfig.FrontendEnableWorkerVersioningDataAPIs.Key():     true,
		dynamicconfig.FrontendEnableWorkerVersioningWorkflowAPIs.Key(): true,
		dynamicconfig.FrontendEnableWorkerVersioningRuleAPIs.Key():     true,
		dynamicconfig.EnableDeployments.Key():                          true,
		dynamicconfig.EnableDeploymentVersions.Key():                   true,
		dynamicconfig.WorkflowPauseEnabled.Key():                       true,
		dynamicconfig.WorkflowRulesAPIsEnabled.Key():                   true,
		activity.Enabled.Key():                                         true,
		activity.EnableStandaloneActivityOperatorCommands.Key():        true,
		nexusoperation.Enabled.Key():                                   true,

		// Whose token a call came with then stands in the history.
		dynamicconfig.EnablePrincipalPropagation.Key(): true,
		// A search attribute that was added a moment ago must be usable now.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	}
}
