package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc/codes"
)

// scope is the instrumentation scope of the gateway's metrics and spans.
const scope = "github.com/flowgate/flowgate"

// Metrics contains the gateway's instruments. [NewMetrics] creates it. All methods are safe for concurrent use. No
// metric has a label for the namespace, because the operator does not bound their number. Metrics with a label for the
// caller are off by default, see [Metrics.LimitCallers].
type Metrics struct {
	// Active counts the HTTP requests in flight.
	Active Gauge
	// Reads, Writes, Waits and Polls count the admitted requests in flight by kind.
	Reads, Writes, Waits, Polls Gauge
	// RequestBytes and ResponseBytes count the bytes of bodies in flight: requests being received, and responses not
	// yet written.
	RequestBytes, ResponseBytes Gauge
	// ReadLimit, WriteLimit, WaitLimit and PollLimit are the limits on admitted requests in flight. RequestBytesLimit and
	// ResponseBytesLimit are those on bytes of bodies in flight.
	ReadLimit, WriteLimit, WaitLimit, PollLimit Gauge
	RequestBytesLimit, ResponseBytesLimit       Gauge
	// WaitCallers counts the callers that wait for an outcome or for events. WaitPolls counts the upstream polls that
	// they share.
	WaitCallers, WaitPolls Gauge
	// BreakerOpen is 1 while the breaker of an upstream is open, else 0.
	BreakerOpen Gauge
	// Ready is 1 while the gateway reports that it is ready, else 0.
	Ready Gauge

	keysLoaded   Gauge // Unix time of the last successful reload, in seconds
	files        observed[bool]
	certificates observed[time.Time]
	keysExpiry   observed[time.Time]
	credentials  observed[time.Time]
	keyAges      atomic.Pointer[func() map[string]time.Duration]

	configuration observed[bool] // by hash
	callers       callers

	requests      metric.Float64Histogram
	rpcs          metric.Float64Histogram
	retries       metric.Int64Counter
	throttled     metric.Int64Counter
	authFailures  metric.Int64Counter
	keyReloads    metric.Int64Counter
	jwksFetches   metric.Int64Counter
	unknownKids   metric.Int64Counter
	signerReloads metric.Int64Counter
	authReloads   metric.Int64Counter

	callerRequests metric.Int64Counter
	callerDuration metric.Float64Counter

	requestLabels *series[requestKey]
	rpcLabels     *series[rpcKey]
	methodLabels  *series[string]
	reasonLabels  *series[string]
	outcomeLabels *series[string]
	fetchLabels   *series[jwksFetchKey]
	issuerLabels  *series[string]

	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
}

// NewMetrics creates the instruments in a new registry, which also has the metrics of the Go runtime and the process. The
// readers export the metrics elsewhere, see [NewMetricReaders].
func NewMetrics(version string, readers ...sdkmetric.Reader) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, fmt.Errorf("prometheus exporter: %w", err)
	}
	// The label caches limit the number of series, so the limit of the SDK is disabled.
	options := []sdkmetric.Option{sdkmetric.WithReader(exporter), sdkmetric.WithCardinalityLimit(0)}
	if len(readers) > 0 {
		res, err := newResource(context.Background(), version)
		if err != nil {
			return nil, err
		}
		options = append(options, sdkmetric.WithResource(res))
	}
	for _, reader := range readers {
		options = append(options, sdkmetric.WithReader(reader))
	}
	m := &Metrics{
		registry:      registry,
		provider:      sdkmetric.NewMeterProvider(options...),
		requestLabels: newSeries(requestKey.attributes, requestKey{other, other, 0}),
		rpcLabels:     newSeries(rpcKey.attributes, rpcKey{other, codes.Unknown}),
		methodLabels:  newSeries(labelFunc("rpc.method"), other),
		reasonLabels:  newSeries(labelFunc("reason"), other),
		outcomeLabels: newSeries(labelFunc("outcome"), other),
		fetchLabels:   newSeries(jwksFetchKey.attributes, jwksFetchKey{other, other}),
		issuerLabels:  newSeries(labelFunc("issuer"), other),
		callers:       callers{others: newCallerLabels("_other")},
	}
	if err := m.instruments(m.provider.Meter(scope), version); err != nil {
		return nil, err
	}
	m.startReloadCounters()
	return m, registerRuntime(registry)
}

// labelFunc returns a function that returns its argument as the value of the label name.
func labelFunc(name string) func(string) []attribute.KeyValue {
	return func(value string) []attribute.KeyValue {
		return []attribute.KeyValue{attribute.String(name, value)}
	}
}

// Handler returns a handler that serves the metrics in the Prometheus formats. It is for the admin listener.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Shutdown exports the metrics for the last time and stops the instruments. Later measurements are dropped.
func (m *Metrics) Shutdown(ctx context.Context) error {
	return m.provider.Shutdown(ctx)
}

// RecordRequest records one HTTP request: its method, its route template (empty if no route matched), its status and its
// duration.
func (m *Metrics) RecordRequest(ctx context.Context, method, route string, status int, d time.Duration) {
	key := newRequestKey(method, route, status)
	m.requests.Record(ctx, d.Seconds(), m.requestLabels.get(key).record...)
}

// RecordRPC records one upstream call by the short name of its method, such as StartWorkflowExecution.
func (m *Metrics) RecordRPC(ctx context.Context, method string, code codes.Code, d time.Duration) {
	m.rpcs.Record(ctx, d.Seconds(), m.rpcLabels.get(rpcKey{method, code}).record...)
}

// CountRetry counts one retry of an upstream call.
func (m *Metrics) CountRetry(ctx context.Context, method string) {
	m.retries.Add(ctx, 1, m.methodLabels.get(method).add...)
}

// RetryThrottled counts one retry that the retry throttle prevented.
func (m *Metrics) RetryThrottled(ctx context.Context, method string) {
	m.throttled.Add(ctx, 1, m.methodLabels.get(method).add...)
}

// AuthFailure counts one rejected caller. The reason is a constant of the gateway, such as unknown or expired.
func (m *Metrics) AuthFailure(ctx context.Context, reason string) {
	m.authFailures.Add(ctx, 1, m.reasonLabels.get(reason).add...)
}

// KeysReloaded counts one reload of a changed keys file. If err is not nil, the reload failed.
func (m *Metrics) KeysReloaded(ctx context.Context, err error) {
	if err == nil {
		m.keysLoaded.Set(time.Now().Unix())
	}
	m.keyReloads.Add(ctx, 1, m.outcomeLabels.get(outcome(err)).add...)
}

// SigningKeysReloaded counts one reload of a changed file of signing keys. If err is not nil, the reload failed.
func (m *Metrics) SigningKeysReloaded(ctx context.Context, err error) {
	m.signerReloads.Add(ctx, 1, m.outcomeLabels.get(outcome(err)).add...)
}

// AuthFileReloaded counts one reload of a changed file of issuers and client certificates. If err is not nil, the reload
// failed.
func (m *Metrics) AuthFileReloaded(ctx context.Context, err error) {
	m.authReloads.Add(ctx, 1, m.outcomeLabels.get(outcome(err)).add...)
}

// IssuerKeysFetched counts one fetch of the keys of an issuer, by its name in the configuration.
func (m *Metrics) IssuerKeysFetched(ctx context.Context, issuer string, err error) {
	m.jwksFetches.Add(ctx, 1, m.fetchLabels.get(jwksFetchKey{issuer, outcome(err)}).add...)
}

// UnknownKid counts one token of an issuer with an unknown key id.
func (m *Metrics) UnknownKid(ctx context.Context, issuer string) {
	m.unknownKids.Add(ctx, 1, m.issuerLabels.get(issuer).add...)
}

// startReloadCounters creates the series of the counters of reloads.
//
// A series that appears with its first event begins at 1, and rate and increase do not see that event. Counters whose
// label values are known therefore begin at 0. The other Start methods do the same for labels that the caller knows.
func (m *Metrics) startReloadCounters() {
	for _, outcome := range []string{success, failure} {
		m.keyReloads.Add(context.Background(), 0, m.outcomeLabels.get(outcome).add...)
		m.signerReloads.Add(context.Background(), 0, m.outcomeLabels.get(outcome).add...)
		m.authReloads.Add(context.Background(), 0, m.outcomeLabels.get(outcome).add...)
	}
}

// StartAuthFailures creates the counters of rejected callers for the given reasons.
func (m *Metrics) StartAuthFailures(reasons ...string) {
	for _, reason := range reasons {
		m.authFailures.Add(context.Background(), 0, m.reasonLabels.get(reason).add...)
	}
}

// StartIssuer creates the counters of a JWT issuer, by its name in the configuration.
func (m *Metrics) StartIssuer(name string) {
	for _, outcome := range []string{success, failure} {
		m.jwksFetches.Add(context.Background(), 0, m.fetchLabels.get(jwksFetchKey{name, outcome}).add...)
	}
	m.unknownKids.Add(context.Background(), 0, m.issuerLabels.get(name).add...)
}

// StartRetries creates the counters of retries of an RPC, by the short name of its method.
func (m *Metrics) StartRetries(method string) {
	m.retries.Add(context.Background(), 0, m.methodLabels.get(method).add...)
	m.throttled.Add(context.Background(), 0, m.methodLabels.get(method).add...)
}

// The values of the label outcome of reloads and fetches.
const (
	success = "success"
	failure = "failure"
)

func outcome(err error) string {
	if err != nil {
		return failure
	}
	return success
}
