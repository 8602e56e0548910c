package metrics

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// FromGateways returns the metrics of two gateways that have had traffic, and those of Prometheus itself. Together, the
// gateways use every part of the configuration that has metrics.
func FromGateways(t testing.TB) Metrics {
	t.Helper()
	all := Metrics{}
	require.NoError(t, all.Parse("up 1\n"+`ALERTS{alertname="FlowgateNotReady",alertstate="firing"} 1`+"\n"))
	require.NoError(t, all.Parse(tokensAndCertificates(t)))
	require.NoError(t, all.Parse(failingCalls(t)))
	return all
}

// tokensAndCertificates returns the metrics of a gateway that verifies the tokens of an issuer, mints tokens, and uses TLS
// on both sides.
func tokensAndCertificates(t testing.TB) string {
	t.Helper()
	stack := deploytest.Environment(t)
	dir := t.TempDir()
	server, client, signing := newCertificate(t, dir, "server"), newCertificate(t, dir, "client"), newKeyFile(t, dir, "signing.pem")
	issuer := startIssuer(t)
	upstream := startTLSProxy(t, stack.Temporal, server)
	issuers := filepath.Join(dir, "auth.yaml")
	require.NoError(t, os.WriteFile(issuers, fmt.Appendf(nil,
		`jwt: [{issuer: %[1]q, jwksURL: "%[1]s/jwks", audience: [flowgate], algorithms: [ES256]}]`, issuer), 0o600))
	gateway := start(t, dir, upstream.address(), fmt.Sprintf(`
metrics: {callers: 10}
listen: {drainDelay: 0s, tls: {certFile: %[1]s, keyFile: %[2]s}}
upstream:
  tls: {enabled: true, caFile: %[1]s, certFile: %[3]s, keyFile: %[4]s}
  credential: {mode: mint, mint: {keyFile: %[5]s, algorithm: ES256, issuer: flowgate}}
auth:
  apiKeys: {file: %[6]s}
  file: %[7]s
`, server.certFile, server.keyFile, client.certFile, client.keyFile, signing, newKeysFile(t, dir), issuers))
	caller := &caller{client: trusting(server), url: "https://" + gateway.Address + "/v1/namespaces/" + stack.Namespace, key: writerKey}
	require.Equal(t, http.StatusAccepted, caller.call(t, http.MethodPost, "/workflows?wait=100ms", startRequest))
	require.Equal(t, http.StatusOK, caller.call(t, http.MethodGet, "/workflows/metrics", ""))
	for _, credential := range []string{"fg_unknown_" + strings.Repeat("0", 32), unknownToken(issuer)} {
		rejected := *caller
		rejected.key = credential
		require.Equal(t, http.StatusUnauthorized, rejected.call(t, http.MethodGet, "/workflows/metrics", ""))
	}
	return scrape(t, gateway, `flowgate_jwks_age_seconds{`, `flowgate_jwks_unknown_kids_total{`, `flowgate_auth_failures_total{`)
}

// callers is the number of concurrent calls without a connection to Temporal. The retry throttle permits 50 retries.
const callers = 100

// failingCalls returns the metrics of a gateway that loses its connection to Temporal for a moment, so that it retries some
// calls and the retry throttle prevents further retries.
func failingCalls(t testing.TB) string {
	t.Helper()
	stack := deploytest.Environment(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(token, []byte(expiringToken()), 0o600))
	upstream := startProxy(t, stack.Temporal)
	gateway := start(t, dir, upstream.address(), fmt.Sprintf(`
listen: {drainDelay: 0s}
upstream:
  breaker: {failures: 0}
  credential: {mode: static, file: %s}
auth:
  apiKeys: {file: %s}
`, token, newKeysFile(t, dir)))
	upstream.interrupt(true)
	var calling sync.WaitGroup
	defer calling.Wait()
	for range callers {
		calling.Go(func() {
			caller := &caller{client: http.DefaultClient, url: gateway.URL + "/v1/namespaces/" + stack.Namespace, key: writerKey}
			_, err := caller.do(t.Context(), http.MethodGet, "/workflows/metrics", "")
			assert.NoError(t, err)
		})
	}
	scrape(t, gateway, "flowgate_upstream_retries_throttled_total{")
	upstream.interrupt(false)
	return scrape(t, gateway, "flowgate_upstream_retries_total{")
}

func start(t testing.TB, dir, upstream, config string) *deploytest.Gateway {
	t.Helper()
	file := filepath.Join(dir, "gateway.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	return deploytest.StartGateway(t, file, 0, 0, "FLOWGATE_UPSTREAM_ADDRESS="+upstream)
}

// scrapeTimeout is the maximum time until metrics exist that the traffic causes.
const scrapeTimeout, scrapeInterval = 20 * time.Second, 100 * time.Millisecond

// scrape returns the metrics of a gateway in the format that Prometheus requests, as soon as they contain all texts.
func scrape(t testing.TB, gateway *deploytest.Gateway, texts ...string) string {
	t.Helper()
	var metrics string
	complete := func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gateway.AdminURL+"/metrics", nil)
		require.NoError(t, err)
		request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		metrics = string(body)
		for _, text := range texts {
			if !strings.Contains(metrics, "\n"+text) {
				return false
			}
		}
		return true
	}
	require.Eventually(t, complete, scrapeTimeout, scrapeInterval, "%v", texts)
	return metrics
}

// startRequest starts a workflow that no worker executes.
const startRequest = `{"workflowType":"None","taskQueue":"none","workflowId":"metrics","idConflictPolicy":"USE_EXISTING"}`

// caller calls the client API.
type caller struct {
	client   *http.Client
	url, key string
}

// callTimeout limits a call. A call that cannot reach Temporal ends after its Request-Timeout.
const callTimeout = time.Minute

// call makes a request and returns the status of its response.
func (c *caller) call(t testing.TB, method, path, body string) int {
	t.Helper()
	status, err := c.do(t.Context(), method, path, body)
	require.NoError(t, err)
	return status
}

func (c *caller) do(ctx context.Context, method, path, body string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Request-Timeout", "500ms")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
