package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc/codes"
)

// scope names the gateway as the source of its metrics and spans.
const scope = "github.com/flowgate/flowgate"

// Metrics holds the gateway's instruments. Make one with [NewMetrics]; every method is safe for concurrent use. No
// metric has the namespace or the principal for a label: their number is not the operator's to choose.
type Metrics struct {
	// Active counts the HTTP requests being served.
	Active Gauge
	// Reads, Writes and Waits count the admitted requests in flight by what they hold.
	Reads, Writes, Waits Gauge
	// RequestBytes and ResponseBytes count the bytes of bodies in flight: requests that arrive, responses until they are
	// written.
	RequestBytes, ResponseBytes Gauge
	// WaitCallers counts the callers that wait for an outcome or for events, WaitPolls the upstream polls that they share.
	WaitCallers, WaitPolls Gauge
	// BreakerOpen is 1 while the gateway spares an upstream that does not answer, else 0.
	BreakerOpen Gauge
	// Ready is 1 while the gateway reports that it is ready, else 0.
	Ready Gauge

	// KeyAges tells how old the keys of each issuer of tokens are; nil when there is none. It is set before the metrics are
	// read for the first time.
	KeyAges func() map[string]time.Duration

	keysLoaded Gauge // Unix time of the last good keys file, seconds

	requests      metric.Float64Histogram
	rpcs          metric.Float64Histogram
	retries       metric.Int64Counter
	throttled     metric.Int64Counter
	authFailures  metric.Int64Counter
	keyReloads    metric.Int64Counter
	jwksFetches   metric.Int64Counter
	unknownKids   metric.Int64Counter
	signerReloads metric.Int64Counter
	requestLabels *series[requestKey]
	rpcLabels     *series[rpcKey]
	methodLabels  *series[string]
	reasonLabels  *series[string]
	outcomeLabels *series[string]
	fetchLabels   *series[fetchKey]
	issuerLabels  *series[string]

	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
}

// NewMetrics makes the instruments and a registry of their own, with the Go runtime's and the process's metrics in it.
func NewMetrics(version string) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, fmt.Errorf("prometheus exporter: %w", err)
	}
	m := &Metrics{
		registry: registry,
		// The caches of labels bound the series, so the SDK's own limit is off.
		provider:      sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithCardinalityLimit(0)),
		requestLabels: newSeries(requestKey.attributes, requestKey{other, other, 0}),
		rpcLabels:     newSeries(rpcKey.attributes, rpcKey{other, codes.Unknown}),
		methodLabels:  newSeries(labelled("rpc.method"), other),
		reasonLabels:  newSeries(labelled("reason"), other),
		outcomeLabels: newSeries(labelled("outcome"), other),
		fetchLabels:   newSeries(fetchKey.attributes, fetchKey{other, other}),
		issuerLabels:  newSeries(labelled("issuer"), other),
	}
	return m, errors.Join(
		m.instruments(m.provider.Meter(scope)),
		registry.Register(collectors.NewGoCollector()),
		registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
		registry.Register(buildInfo(version)),
	)
}

func labelled(name string) func(string) []attribute.KeyValue {
	return func(value string) []attribute.KeyValue {
		return []attribute.KeyValue{attribute.String(name, value)}
	}
}

// Handler serves the metrics in the formats of Prometheus. It belongs on the admin listener.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Shutdown ends the instruments; what is recorded later is dropped.
func (m *Metrics) Shutdown(ctx context.Context) error {
	return m.provider.Shutdown(ctx)
}

// Request records one HTTP request: its method, its route's template (empty when nothing matched) and its status.
func (m *Metrics) Request(ctx context.Context, method, route string, status int, d time.Duration) {
	key := newRequestKey(method, route, status)
	m.requests.Record(ctx, d.Seconds(), m.requestLabels.get(key).record...)
}

// RPC records one upstream call by the short name of its method, such as StartWorkflowExecution.
func (m *Metrics) RPC(ctx context.Context, method string, code codes.Code, d time.Duration) {
	m.rpcs.Record(ctx, d.Seconds(), m.rpcLabels.get(rpcKey{method, code}).record...)
}

// Retry counts one repetition of an upstream call.
func (m *Metrics) Retry(ctx context.Context, method string) {
	m.retries.Add(ctx, 1, m.methodLabels.get(method).add...)
}

// RetryThrottled counts one repetition that the retry throttle held back.
func (m *Metrics) RetryThrottled(ctx context.Context, method string) {
	m.throttled.Add(ctx, 1, m.methodLabels.get(method).add...)
}

// AuthFailure counts one refused caller. The reason is one of the gateway's own words, such as unknown or expired.
func (m *Metrics) AuthFailure(ctx context.Context, reason string) {
	m.authFailures.Add(ctx, 1, m.reasonLabels.get(reason).add...)
}

// KeysReloaded counts one look at a changed keys file; err is why it was not taken.
func (m *Metrics) KeysReloaded(ctx context.Context, err error) {
	if err == nil {
		m.keysLoaded.Set(time.Now().Unix())
	}
	m.keyReloads.Add(ctx, 1, m.outcomeLabels.get(outcome(err)).add...)
}

// SigningKeysReloaded counts one look at a changed file of signing keys; err is why it was not taken.
func (m *Metrics) SigningKeysReloaded(ctx context.Context, err error) {
	m.signerReloads.Add(ctx, 1, m.outcomeLabels.get(outcome(err)).add...)
}

// IssuerKeysFetched counts one attempt to get the keys of an issuer, by its name in the configuration.
func (m *Metrics) IssuerKeysFetched(ctx context.Context, issuer string, err error) {
	m.jwksFetches.Add(ctx, 1, m.fetchLabels.get(fetchKey{issuer, outcome(err)}).add...)
}

// UnknownKid counts one token of an issuer that names a key that it does not have.
func (m *Metrics) UnknownKid(ctx context.Context, issuer string) {
	m.unknownKids.Add(ctx, 1, m.issuerLabels.get(issuer).add...)
}

func outcome(err error) string {
	if err != nil {
		return "failure"
	}
	return "success"
}
