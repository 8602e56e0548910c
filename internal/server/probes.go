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

// probes serves load balancers and orchestrators without a credential and without
// an upstream call: /livez reports that the process runs, /readyz whether it should
// receive traffic. It also publishes the keys of minted tokens, in every phase of the
// gateway: a Temporal server that receives an error instead drops all keys.
type probes struct {
	gate     *drain.Gate
	upstream *upstream.Client
	identity *identity
	metrics  *telemetry.Metrics
}

// state is the body of /readyz on the admin listener.
type state struct {
	Ready    bool   `json:"ready"`
	Draining bool   `json:"draining"`
	Upstream string `json:"upstream"`
	// Issuers names the issuers of tokens whose keys are missing.
	Issuers string `json:"issuers,omitempty"`
}

func (p *probes) state() state {
	health := p.upstream.Health()
	s := state{Draining: p.gate.IsDraining(), Upstream: "ready"}
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

// isProbe reports whether r is a probe. Probes arrive every few seconds and are not
// logged, because their lines would hide the others.
func (p *probes) isProbe(r *http.Request) bool {
	return r.URL.Path == "/livez" || r.URL.Path == "/readyz" || r.URL.Path == jwksPath && p.identity.jwks() != nil
}

// jwksPath is the path of the keys of minted tokens.
const jwksPath = "/.well-known/jwks.json"

// intercept is the step that serves probes on the public listener.
func (p *probes) intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.serve(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// serve serves a probe without reasons. It returns false for other requests.
func (p *probes) serve(w http.ResponseWriter, r *http.Request) bool {
	if !p.isProbe(r) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path == jwksPath {
		p.respond(w, http.StatusOK, "application/json", string(p.identity.jwks()))
		return true
	}
	status, text := http.StatusOK, "ok\n"
	if r.URL.Path == "/readyz" && !p.state().Ready {
		status, text = http.StatusServiceUnavailable, "not ready\n"
	}
	p.respond(w, status, "text/plain; charset=utf-8", text)
	return true
}

// detailed serves /readyz with reasons, on the admin listener.
func (p *probes) detailed(w http.ResponseWriter, _ *http.Request) {
	s := p.state()
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

// newAdmin returns the handler of the admin listener: probes with reasons, metrics
// and profiles. It has no authentication. hosts are the permitted host names, so
// that an attacker cannot reach it through the browser of an operator.
func newAdmin(p *probes, metrics *telemetry.Metrics, hosts []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) { p.serve(w, r) })
	mux.HandleFunc("GET /readyz", p.detailed)
	scrape := metrics.Handler()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		p.state() // updates the gauge of readiness
		scrape.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return checkAdminHost(hosts, mux)
}

// checkAdminHost rejects host names other than localhost and hosts, which are in
// lower case: an attacker may have pointed any other name at this listener (DNS
// rebinding). An IP address is safe, because a page of that origin was served by
// this listener.
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
