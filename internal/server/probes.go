package server

import (
	"io"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// probes serves /livez, which reports that the process runs, and /readyz, which reports whether it should receive
// traffic. Neither requires a credential or makes an upstream call. probes also publishes the keys that verify minted
// tokens, even during the drain, because a Temporal server that receives an error response forgets all keys.
type probes struct {
	gate     *drain.Gate
	upstream *upstream.Client
	identity *identity
	metrics  *telemetry.Metrics
}

// readiness is the response body of /readyz on the admin listener.
type readiness struct {
	Ready    bool   `json:"ready"`
	Draining bool   `json:"draining"`
	Upstream string `json:"upstream"`
	// Issuers lists the JWT issuers whose keys have never been fetched, with the reasons.
	Issuers string `json:"issuers,omitempty"`
}

// checkReadiness determines whether the gateway is ready, and updates the metric.
func (p *probes) checkReadiness() readiness {
	health := p.upstream.Health()
	s := readiness{Draining: p.gate.IsDraining(), Upstream: "ready"}
	if !health.Ready {
		s.Upstream = health.Reason
	}
	missing := p.identity.ready()
	if missing != nil {
		s.Issuers = missing.Error()
	}
	s.Ready = health.Ready && missing == nil && !s.Draining
	p.metrics.Ready.Set(0)
	if s.Ready {
		p.metrics.Ready.Set(1)
	}
	return s
}

// isProbe reports whether r is a probe or a fetch of the published keys. Both arrive every few seconds and are not
// logged, because their lines would hide the others.
func (p *probes) isProbe(r *http.Request) bool {
	return r.URL.Path == "/livez" || r.URL.Path == "/readyz" || r.URL.Path == jwksPath && p.identity.jwks() != nil
}

// jwksPath is the path of the keys that verify minted tokens.
const jwksPath = "/.well-known/jwks.json"

// intercept is the middleware that serves probes on the public listener.
func (p *probes) intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.serve(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// serve responds to a probe, and reports whether r is one. /readyz does not give the reasons why the gateway is not
// ready, because the public listener must not expose them.
func (p *probes) serve(w http.ResponseWriter, r *http.Request) bool {
	if !p.isProbe(r) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path == jwksPath {
		p.respond(w, http.StatusOK, "application/json", string(p.identity.jwks()))
		return true
	}
	status, text := http.StatusOK, "ok\n"
	if r.URL.Path == "/readyz" && !p.checkReadiness().Ready {
		status, text = http.StatusServiceUnavailable, "not ready\n"
	}
	p.respond(w, status, "text/plain; charset=utf-8", text)
	return true
}

// serveReadiness serves /readyz on the admin listener, with the reasons why the gateway is not ready.
func (p *probes) serveReadiness(w http.ResponseWriter, _ *http.Request) {
	s := p.checkReadiness()
	status := http.StatusOK
	if !s.Ready {
		status = http.StatusServiceUnavailable
	}
	text, _ := json.Marshal(s) // cannot fail for strings and booleans
	p.respond(w, status, "application/json", string(text)+"\n")
}

func (p *probes) respond(w http.ResponseWriter, status int, contentType, text string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// newAdmin returns the handler of the admin listener, which serves probes, metrics and profiles without authentication.
// Only requests for the given host names, localhost and IP addresses are served; see [checkAdminHost].
func newAdmin(p *probes, metrics *telemetry.Metrics, hosts []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) { p.serve(w, r) })
	mux.HandleFunc("GET /readyz", p.serveReadiness)
	scrape := metrics.Handler()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		p.checkReadiness() // updates the metric
		scrape.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return checkAdminHost(hosts, mux)
}

// checkAdminHost rejects host names other than localhost and hosts, which must be in lower case. An attacker may have
// pointed any other name at this listener, to reach it through the browser of an operator (DNS rebinding). An IP
// address is safe, because only pages that this listener itself serves have that origin.
func checkAdminHost(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closeAmbiguous(w.Header(), r)
		host := hostName(r.Host)
		if _, err := netip.ParseAddr(host); err == nil || host == "localhost" || slices.Contains(hosts, host) {
			next.ServeHTTP(w, r)
			return
		}
		id := requestID(r.Header)
		setSecurityHeaders(w.Header(), id)
		problem.Write(w, problem.New(problem.MisdirectedRequest,
			"This listener does not serve that host. Use an address, or a name of listen.adminHosts."), problem.Occurrence{RequestID: id})
	})
}
