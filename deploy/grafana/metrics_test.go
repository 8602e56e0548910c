package grafana_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest/metrics"
)

func TestDashboardUsesExistingMetricsAndLabels(t *testing.T) {
	t.Parallel()
	m := metrics.FromGateways(t)
	d := readDashboard(t)
	legend, variable := regexp.MustCompile(`{{(\w+)}}`), regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	for _, query := range d.queries() {
		require.NoError(t, m.Check(query))
	}
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			require.NoError(t, m.CheckLabels(target.Expr, target.LegendFormat, legend), panel.Title)
		}
	}
	for _, v := range d.Templating.List {
		if v.Type != "datasource" {
			match := variable.FindStringSubmatch(v.Definition)
			require.NotNil(t, match, v.Definition)
			require.NoError(t, m.Check(match[1]))
			require.NoError(t, m.Check("count by ("+match[2]+") ("+match[1]+")"))
		}
	}
	t.Logf("%d queries", len(d.queries()))
}
