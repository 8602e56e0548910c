package metrics_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest/metrics"
)

func TestCheckFindsUnknownMetricsAndLabels(t *testing.T) {
	t.Parallel()
	m := metrics.Metrics{}
	require.NoError(t, m.Parse("# TYPE a histogram\n"+
		`a_bucket{route="/v1/{name}/x",le="1.0"} 1 # {trace_id="0"} 0.5 1.0`+"\n"+`a_bucket{route="/v1/{name}",le="+Inf"} 1`+"\n"+"b 0\n# EOF\n"))
	for _, query := range []string{
		`sum by (job, route) (rate(a_bucket{le=~"1|1.0", route!~".*/(x|y)"}[$__rate_interval]))`,
		`a_bucket and on (job, instance) b`,
		`histogram_quantile(0.99, sum by (le, cluster) (rate(a_bucket[5m]) and on (job) b)) > 1`,
	} {
		require.NoError(t, m.Check(query))
	}
	for query, message := range map[string]string{
		`rate(a_count[5m])`:                       `no gateway exports the metric "a_count"`,
		`a_bucket{method="GET"}`:                  `no series of a_bucket matches method="GET"`,
		`a_bucket{le="2.0"}`:                      `no series of a_bucket matches le="2.0"`,
		`sum by (kind) (b)`:                       `no series of b has the label "kind"`,
		`a_bucket / on (route) group_left () b`:   `no series of b has the label "route"`,
		`sum without (instance) (rate(b[5m])) > `: `parse error`,
	} {
		require.ErrorContains(t, m.Check(query), message)
	}
}

func TestGatewaysExportMetrics(t *testing.T) {
	t.Parallel()
	m := metrics.FromGateways(t)
	t.Logf("%d metrics", len(m))
	require.NoError(t, m.Check(`sum by (rpc_method) (rate(flowgate_upstream_retries_throttled_total[5m]))`))
	require.NoError(t, m.Check(`http_server_request_duration_seconds_bucket{le="1.0"}`))
}
