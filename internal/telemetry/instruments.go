package telemetry

import (
	"errors"
	"runtime"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// instruments creates all instruments except those of the Go runtime. The exporter renames http.server.request.duration
// with the unit s to http_server_request_duration_seconds, and appends _total to counters.
func (m *Metrics) instruments(meter metric.Meter, version string) error {
	return errors.Join(m.histograms(meter), m.counters(meter), m.gauges(meter, version))
}

func (m *Metrics) histograms(meter metric.Meter) (err error) {
	// The buckets of the semantic conventions, and three larger ones for waits.
	buckets := metric.WithExplicitBucketBoundaries(
		0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 30, 60)
	var failed [2]error
	m.requests, failed[0] = meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"), buckets,
		metric.WithDescription("Duration of HTTP requests, including waits."))
	m.rpcs, failed[1] = meter.Float64Histogram("rpc.client.call.duration", metric.WithUnit("s"), buckets,
		metric.WithDescription("Duration of upstream calls, per attempt."))
	return errors.Join(failed[:]...)
}

func (m *Metrics) counters(meter metric.Meter) error {
	var failed []error
	counter := func(name, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithDescription(description))
		failed = append(failed, err)
		return c
	}
	m.retries = counter("flowgate.upstream.retries", "Retries of upstream calls.")
	m.throttled = counter("flowgate.upstream.retries.throttled", "Retries that the retry throttle prevented.")
	m.authFailures = counter("flowgate.auth.failures", "Rejected callers, by reason.")
	m.keyReloads = counter("flowgate.keys.reloads", "Reloads of a changed keys file, by outcome.")
	m.signerReloads = counter("flowgate.signing_keys.reloads", "Reloads of a changed file of signing keys, by outcome.")
	m.authReloads = counter("flowgate.auth_file.reloads", "Reloads of a changed file of issuers and client certificates, by outcome.")
	m.jwksFetches = counter("flowgate.jwks.fetches", "Fetches of the keys of an issuer, by outcome.")
	m.unknownKids = counter("flowgate.jwks.unknown_kids", "Tokens with a key id that their issuer does not have.")
	m.callerRequests = counter("flowgate.caller.requests", "Requests of authenticated callers, by outcome.")
	var err error
	m.callerDuration, err = meter.Float64Counter("flowgate.caller.duration", metric.WithUnit("s"),
		metric.WithDescription("Total duration of the requests of authenticated callers, including waits."))
	return errors.Join(append(failed, err)...)
}

func (m *Metrics) gauges(meter metric.Meter, version string) error {
	var failed []error
	gauge := func(name, unit, description string, callbacks ...metric.Int64Callback) {
		options := []metric.Int64ObservableGaugeOption{metric.WithUnit(unit), metric.WithDescription(description)}
		for _, callback := range callbacks {
			options = append(options, metric.WithInt64Callback(callback))
		}
		_, err := meter.Int64ObservableGauge(name, options...)
		failed = append(failed, err)
	}
	kind := func(name string) attribute.KeyValue { return attribute.String("kind", name) }
	gauge("http.server.active_requests", "", "HTTP requests in flight.", m.Active.observe())
	gauge("flowgate.in_flight", "", "Admitted requests in flight, by kind.",
		m.Reads.observe(kind("read")), m.Writes.observe(kind("write")), m.Waits.observe(kind("wait")), m.Polls.observe(kind("poll")))
	gauge("flowgate.in_flight.bytes", "By", "Bytes of bodies in flight: requests being received, responses not yet written.",
		m.RequestBytes.observe(kind("request")), m.ResponseBytes.observe(kind("response")))
	gauge("flowgate.in_flight.limit", "", "Limit on admitted requests in flight, by kind.",
		m.ReadLimit.observe(kind("read")), m.WriteLimit.observe(kind("write")),
		m.WaitLimit.observe(kind("wait")), m.PollLimit.observe(kind("poll")))
	gauge("flowgate.in_flight.limit.bytes", "By", "Limit on bytes of bodies in flight.",
		m.RequestBytesLimit.observe(kind("request")), m.ResponseBytesLimit.observe(kind("response")))
	gauge("flowgate.wait.callers", "", "Callers that wait for an outcome or for events.", m.WaitCallers.observe())
	gauge("flowgate.wait.polls", "", "Upstream polls that waiting callers share.", m.WaitPolls.observe())
	gauge("flowgate.upstream.breaker_open", "", "1 while the breaker is open because the upstream does not respond.",
		m.BreakerOpen.observe())
	gauge("flowgate.ready", "", "1 while the gateway reports that it is ready.", m.Ready.observe())
	gauge("flowgate.keys.last_reload_success_timestamp", "s", "Unix time of the last successful reload of the keys file.",
		m.keysLoaded.observe())
	gauge("flowgate.jwks.age", "s", "Age of the keys of an issuer.", m.observeKeyAges)
	gauge("flowgate.file.in_force", "", "1 while the version of a reloaded file on disk is in force, else 0.",
		m.files.callback("file", allTrue))
	gauge("flowgate.certificate.expiry_timestamp", "s", "Unix time at which the certificate in force expires.",
		m.certificates.callback("certificate", earliest))
	gauge("flowgate.keys.next_expiry_timestamp", "s", "Unix time at which the next API key expires.",
		m.keysExpiry.callback("", earliest))
	gauge("flowgate.upstream.credential.expiry_timestamp", "s", "Unix time at which the first credential for Temporal expires.",
		m.credentials.callback("", earliest))
	gauge("flowgate.config.info", "", "Hash of the configuration in force.", m.configuration.callback("hash", allTrue))
	gauge("flowgate.build.info", "", "Build information of the gateway.",
		always(attribute.String("version", version), attribute.String("go_version", runtime.Version())))
	return errors.Join(failed...)
}

// always returns the callback of a gauge that is 1 and has information as labels.
func always(attributes ...attribute.KeyValue) metric.Int64Callback {
	var one Gauge
	one.Set(1)
	return one.observe(attributes...)
}
