package server

import (
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// probes serves load balancers and orchestrators without a credential and without
// an upstream call: /livez reports that the process runs, /readyz that it should
// get traffic. The keys of minted tokens are published in the same way, in every
// phase of the gateway: a Temporal server that gets any other response drops all
// keys.
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

// isProbe reports whether r is a probe. Probes arrive every few seconds and have no
// log line, which would bury the others.
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

// serve serves a probe without detail. It reports false for other requests.
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

// detailed serves /readyz on the admin listener.
func (p *probes) detailed(w http.ResponseWriter, _ *http.Request) {
	s := p.state()
	status := http.StatusOK
	if !s.Ready {
		status = http.StatusServiceUnavailable
	}
	text, _ := json.Marshal(s) // strings and booleans
	p.respond(w, status, "application/json", string(text)+"\n")
}

func (p *probes) respond(w http.ResponseWriter, status int, contentType, text string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
