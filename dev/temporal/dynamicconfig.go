package temporal

import (
	"time"

	"go.temporal.io/server/chasm/lib/activity"
	"go.temporal.io/server/chasm/lib/nexusoperation"
	"go.temporal.io/server/common/dynamicconfig"
)

// dynamicConfig raises the limits that a test run would exceed (ten visibility calls per second, one namespace change
// per second, one batch at a time) and enables features that are off by default.
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

		// Events in histories then contain the principal of the token that the caller sent.
		dynamicconfig.EnablePrincipalPropagation.Key(): true,
		// A version of a deployment that is no longer used drains within seconds instead of minutes.
		dynamicconfig.VersionDrainageStatusRefreshInterval.Key():       time.Second,
		dynamicconfig.VersionDrainageStatusVisibilityGracePeriod.Key(): time.Second,
		// A new search attribute must be usable at once.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	}
}
