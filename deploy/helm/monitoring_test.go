package helm_test

import (
	"os"
	"path/filepath"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// TestThePrometheusRuleHasTheRules: the chart has a copy of the rules, because it cannot read files outside of it.
func TestThePrometheusRuleHasTheRules(t *testing.T) {
	t.Parallel()
	rules := source(t, "prometheus/rules.yaml")
	var want monitoring.PrometheusRuleSpec
	require.NoError(t, yaml.UnmarshalStrict(rules, &want))
	require.NotEmpty(t, want.Groups)

	rendered := one[*monitoring.PrometheusRule](t, renderObjects(t, example(t, "everything", "")))
	require.Equal(t, want, rendered.Spec)
	require.Equal(t, "prometheus", rendered.Labels["release"])
	count := 0
	for _, group := range rendered.Spec.Groups {
		count += len(group.Rules)
	}
	t.Logf("%d rules in %d groups", count, len(rendered.Spec.Groups))
}

// TestTheDashboardsAreThoseOfGrafana: see [TestThePrometheusRuleHasTheRules].
func TestTheDashboardsAreThoseOfGrafana(t *testing.T) {
	t.Parallel()
	dashboard := source(t, "grafana/flowgate.json")
	configMap := named[*corev1.ConfigMap](t, renderObjects(t, example(t, "everything", "")), "shop-gateway-dashboards")
	require.Equal(t, map[string]string{"flowgate.json": string(dashboard)}, configMap.Data)
	require.Equal(t, "1", configMap.Labels["grafana_dashboard"])
}

// source returns a file of deploy/ and checks that the chart's copy is equal.
func source(t testing.TB, name string) []byte {
	t.Helper()
	original, err := os.ReadFile(filepath.Join(deploytest.Repository(t), "deploy", name)) //nolint:gosec // a name in a test
	require.NoError(t, err)
	chartCopy, err := os.ReadFile(filepath.Join(chartDir, "files", filepath.Base(name)))
	require.NoError(t, err)
	require.Equal(t, string(original), string(chartCopy), "run make generate")
	return original
}
