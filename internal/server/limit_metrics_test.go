package server_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// Alerts compare the requests and bytes in flight with these metrics.
func TestMetricsExportTheLimitsInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			limits := &cfg.Limits
			limits.InFlight.Reads, limits.InFlight.Writes, limits.InFlight.Waits, limits.InFlight.Polls = 11, 12, 13, 14
			limits.BytesInFlight.Requests, limits.BytesInFlight.Responses = 32<<20, 64<<20
		}})
		require.Subset(t, strings.Split(g.AdminText(t, "/metrics"), "\n"), []string{
			`flowgate_in_flight_limit{kind="read"} 11`,
			`flowgate_in_flight_limit{kind="write"} 12`,
			`flowgate_in_flight_limit{kind="wait"} 13`,
			`flowgate_in_flight_limit{kind="poll"} 14`,
			`flowgate_in_flight_limit_bytes{kind="request"} 3.3554432e+07`,
			`flowgate_in_flight_limit_bytes{kind="response"} 6.7108864e+07`,
		})
	})
}
