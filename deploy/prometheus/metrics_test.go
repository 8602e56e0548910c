package prometheus_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest/metrics"
)

// labelReference matches a label in the template of an annotation.
var labelReference = regexp.MustCompile(`\$labels\.(\w+)`)

func TestRulesUseExistingMetricsAndLabels(t *testing.T) {
	t.Parallel()
	m := metrics.FromGateways(t)
	rules := readRules(t)
	for _, rule := range rules {
		if rule.Record != "" {
			m.Record(rule.Record)
		}
	}
	for _, rule := range rules {
		require.NoError(t, m.Check(rule.Expr), rule.Alert+rule.Record)
		for name, text := range rule.Annotations {
			require.NoError(t, m.CheckLabels(rule.Expr, text, labelReference), "%s: %s", rule.Alert, name)
		}
	}
	t.Logf("%d rules", len(rules))
}
