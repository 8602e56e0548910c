package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestClientAddressBehindTrustedProxies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trusted   []string // the trusted proxies
		forwarded []string // the values of X-Forwarded-For headers
		want      string   // the client address in the log
	}{
		"no trusted proxies":                  {nil, []string{"203.0.113.7"}, "127.0.0.1"},
		"the remote address is not trusted":   {[]string{"10.0.0.0/8"}, []string{"203.0.113.7"}, "127.0.0.1"},
		"the remote address is trusted":       {[]string{"127.0.0.1"}, []string{"203.0.113.7"}, "203.0.113.7"},
		"no header":                           {[]string{"127.0.0.1"}, nil, "127.0.0.1"},
		"a forged address":                    {[]string{"127.0.0.1"}, []string{"198.51.100.9, 203.0.113.7"}, "203.0.113.7"},
		"a forged address, in another header": {[]string{"127.0.0.1"}, []string{"198.51.100.9", "203.0.113.7"}, "203.0.113.7"},
		"two proxies":                         {[]string{"127.0.0.0/8", "10.0.0.0/8"}, []string{"198.51.100.9, 203.0.113.7, 10.1.2.3"}, "203.0.113.7"},
		"a proxy in IPv6 form":                {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"203.0.113.7, ::ffff:10.1.2.3"}, "203.0.113.7"},
		"an invalid address":                  {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"203.0.113.7, junk, 10.1.2.3"}, "127.0.0.1"},
		"IPv6":                                {[]string{"127.0.0.1"}, []string{"2001:db8::7"}, "2001:db8::7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTCP(t, func(cfg *config.Config) { cfg.Listen.TrustedProxies = test.trusted })
			request := get("/v1/openapi.json")
			for _, value := range test.forwarded {
				request.Headers = append(request.Headers, "X-Forwarded-For", value)
			}
			require.Equal(t, http.StatusOK, request.Send(t, s.Gateway).Status)
			require.Eventually(t, func() bool { return strings.Contains(s.Log.String(), `"clientIp":"`+test.want+`"`) }, waitTimeout, waitInterval, s.Log)
		})
	}
}

func TestAuthenticationFailuresAreCountedForTheClientAddress(t *testing.T) {
	t.Parallel()
	s := startTCP(t, func(cfg *config.Config) {
		cfg.Listen.TrustedProxies = []string{"127.0.0.1"}
		cfg.Auth.FailureLimit = config.FailureLimit{Burst: 1, PerSecond: 0.001}
	})
	fail := func(address string) int {
		return withCredential("Authorization", "Bearer "+wrongKey, "X-Forwarded-For", address).Send(t, s.Gateway).Status
	}
	require.Equal(t, http.StatusUnauthorized, fail("203.0.113.7"))
	require.Equal(t, http.StatusTooManyRequests, fail("203.0.113.99"), "the same network")
	require.Equal(t, http.StatusUnauthorized, fail("203.0.114.7"), "another network")
	require.Equal(t, http.StatusUnauthorized, fail("2001:db8::7"))
	require.Equal(t, http.StatusTooManyRequests, fail("2001:db8::8"))
}
