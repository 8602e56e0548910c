package helm_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestManifestsDecodeStrictly(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	count := 0
	for _, name := range exampleNames(t) {
		decoded := renderObjects(t, example(t, name, ""))
		for _, object := range decoded {
			kinds[object.GetObjectKind().GroupVersionKind().String()]++
			metadata, ok := object.(metav1.Object)
			require.True(t, ok)
			require.Empty(t, validation.IsDNS1123Label(metadata.GetName()), "%s: %s", name, metadata.GetName())
			require.Empty(t, metadata.GetNamespace())
			for key, value := range metadata.GetLabels() {
				require.Empty(t, validation.IsQualifiedName(key))
				require.Empty(t, validation.IsValidLabelValue(value))
			}
		}
		for _, secret := range all[*corev1.Secret](decoded) {
			for key := range secret.Data {
				require.Empty(t, validation.IsConfigMapKey(key), key)
			}
		}
		count += len(decoded)
	}
	t.Logf("%d manifests of %d kinds from %d values files:\n%s", count, len(kinds), len(exampleNames(t)),
		strings.Join(slices.Sorted(maps.Keys(kinds)), "\n"))
}

func TestPodsSatisfyTheRestrictedPodSecurityStandard(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	require.NoError(t, err)
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, name := range exampleNames(t) {
		decoded := renderObjects(t, example(t, name, ""))
		template := one[*appsv1.Deployment](t, decoded).Spec.Template
		test := one[*corev1.Pod](t, decoded)
		for _, pod := range []struct {
			metadata *metav1.ObjectMeta
			spec     *corev1.PodSpec
		}{{&template.ObjectMeta, &template.Spec}, {&test.ObjectMeta, &test.Spec}} {
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, pod.metadata, pod.spec))
			require.True(t, result.Allowed, "%s: %s", name, result.ForbiddenDetail())
			require.True(t, *pod.spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem)
			require.False(t, *pod.spec.AutomountServiceAccountToken)
		}
	}
}

func TestSelectorsSelectTheReplicas(t *testing.T) {
	t.Parallel()
	decoded := renderObjects(t, example(t, "everything", ""))
	decoded = append(decoded, renderObjects(t, example(t, "everything", `{serviceMonitor: {enabled: false}, podMonitor: {enabled: true}}`))...)
	deployment := all[*appsv1.Deployment](decoded)[0]
	replica := labels.Set(deployment.Spec.Template.Labels)
	testPod := labels.Set(all[*corev1.Pod](decoded)[0].Labels)

	selectors := []*metav1.LabelSelector{
		deployment.Spec.Selector,
		&all[*networkingv1.NetworkPolicy](decoded)[0].Spec.PodSelector,
		all[*policyv1.PodDisruptionBudget](decoded)[0].Spec.Selector,
		&one[*monitoring.PodMonitor](t, decoded).Spec.Selector,
	}
	for _, service := range all[*corev1.Service](decoded) {
		selectors = append(selectors, &metav1.LabelSelector{MatchLabels: service.Spec.Selector})
	}
	for _, constraint := range deployment.Spec.Template.Spec.TopologySpreadConstraints {
		selectors = append(selectors, constraint.LabelSelector)
		require.Equal(t, []string{"pod-template-hash"}, constraint.MatchLabelKeys)
	}
	for _, s := range selectors {
		selector, err := metav1.LabelSelectorAsSelector(s)
		require.NoError(t, err)
		require.False(t, selector.Empty())
		require.True(t, selector.Matches(replica), "%s does not select %s", selector, replica)
		require.False(t, selector.Matches(testPod), "%s selects the pod of helm test", selector)
	}
	require.Equal(t, release, replica[one[*monitoring.PodMonitor](t, decoded).Spec.JobLabel])
	metrics := named[*corev1.Service](t, decoded, "shop-gateway-metrics")
	require.Equal(t, release, metrics.Labels[one[*monitoring.ServiceMonitor](t, decoded).Spec.JobLabel])
	t.Logf("%d selectors", len(selectors))
}

func TestReferencesExist(t *testing.T) {
	t.Parallel()
	decoded := renderObjects(t, example(t, "everything", ""))
	deployment := one[*appsv1.Deployment](t, decoded)
	service := named[*corev1.Service](t, decoded, "shop-gateway")
	container := deployment.Spec.Template.Spec.Containers[0]

	target := one[*autoscalingv2.HorizontalPodAutoscaler](t, decoded).Spec.ScaleTargetRef
	require.Equal(t, []string{deployment.APIVersion, deployment.Kind, deployment.Name}, []string{target.APIVersion, target.Kind, target.Name})
	require.Nil(t, deployment.Spec.Replicas, "the autoscaler sets the number of replicas")
	require.Equal(t, one[*corev1.ServiceAccount](t, decoded).Name, deployment.Spec.Template.Spec.ServiceAccountName)

	ports := map[string]int32{}
	for _, port := range container.Ports {
		ports[port.Name] = port.ContainerPort
	}
	require.Equal(t, map[string]int32{"http": 9080, "admin": 9081}, ports)
	for _, probe := range []*corev1.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
		require.Equal(t, "admin", probe.HTTPGet.Port.String())
	}
	servicePorts := map[string]int32{}
	for _, port := range service.Spec.Ports {
		require.Contains(t, ports, port.TargetPort.String())
		servicePorts[port.Name] = port.Port
	}
	require.Equal(t, map[string]int32{"http": 443, "grpc": 81}, servicePorts)

	backend := one[*networkingv1.Ingress](t, decoded).Spec.Rules[0].HTTP.Paths[0].Backend.Service
	require.Equal(t, service.Name, backend.Name)
	require.Contains(t, servicePorts, backend.Port.Name)
	httpBackend := one[*gatewayv1.HTTPRoute](t, decoded).Spec.Rules[0].BackendRefs[0]
	require.Equal(t, service.Name, string(httpBackend.Name))
	require.Equal(t, servicePorts["http"], *httpBackend.Port)
	grpcBackend := one[*gatewayv1.GRPCRoute](t, decoded).Spec.Rules[0].BackendRefs[0]
	require.Equal(t, service.Name, string(grpcBackend.Name))
	require.Equal(t, servicePorts["grpc"], *grpcBackend.Port)

	monitor := one[*monitoring.ServiceMonitor](t, decoded)
	selector, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
	require.NoError(t, err)
	metrics := named[*corev1.Service](t, decoded, "shop-gateway-metrics")
	require.True(t, selector.Matches(labels.Set(metrics.Labels)))
	require.False(t, selector.Matches(labels.Set(service.Labels)), "the Service of the API has no metrics")
	require.Equal(t, metrics.Spec.Ports[0].Name, monitor.Spec.Endpoints[0].Port)
	require.Equal(t, ports["admin"], metrics.Spec.Ports[0].Port)
}

func TestLongNamesAreValid(t *testing.T) {
	t.Parallel()
	decoded := renderObjects(t, example(t, "everything", "fullnameOverride: "+strings.Repeat("a-very-long-name-", 10)+"x"))
	for _, object := range decoded {
		metadata, ok := object.(metav1.Object)
		require.True(t, ok)
		require.Empty(t, validation.IsDNS1035Label(metadata.GetName()))
	}
}

func TestNamesThatAreNoLabelsAreRejected(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"nameOverride", "fullnameOverride"} {
		for _, name := range []string{`Upper`, `a_b`, `a.b`, `-a`, `a-`, `1a`, `a\n  evil: x`, `a\n`} {
			_, err := render(example(t, "minimal", value+`: "`+name+`"`))
			require.ErrorContains(t, err, "/"+value, name)
		}
		renderObjects(t, example(t, "minimal", value+`: a-1`))
	}
}

func TestInvalidLabelsAreRejected(t *testing.T) {
	t.Parallel()
	for _, labels := range []string{"commonLabels", "podLabels"} {
		for _, label := range []string{`team: "a\n  evil: x"`, `"team\n  evil": x`, `team: "a\n"`, `team: a b`, `"a b": x`} {
			_, err := render(example(t, "minimal", labels+`: {`+label+`}`))
			require.ErrorContains(t, err, "does not match pattern", label) // the library names another path for keys
		}
		renderObjects(t, example(t, "minimal", labels+`: {example.com/team: A_b.c-1, empty: ""}`))
	}
}
