package server

import (
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// probes answer load balancers and orchestrators without a credential and
// without a call: /livez says that the process runs, /readyz that it should
// get traffic.
type probes struct {
	gate     *gate
	upstream *upstream.Client
	metrics  *telemetry.Metrics
}

// state is what the admin listener tells.
type state struct {
	Ready    bool   `json:"ready"`
	Draining bool   `json:"draining"`
	Upstream string `json:"upstream"`
}

func (p *probes) state() state {
	health := p.upstream.Health()
	s := state{Draining: p.gate.stopping(), Upstream: "ready"}
	if !health.Ready {
		s.Upstream = health.Reason
	}
	s.Ready = health.Ready && !s.Draining
	p.metrics.Ready.Set(0)
	if s.Ready {
		p.metrics.Ready.Set(1)
	}
	return s
}

// quiet reports a probe: one comes every few seconds, and a log line for each
// would bury the rest.
func (p *probes) quiet(r *http.Request) bool {
	return r.URL.Path == "/livez" || r.URL.Path == "/readyz"
}

// serve answers a probe on the public listener, without detail.
func (p *probes) serve(w http.ResponseWriter, r *http.Request) bool {
	if !p.quiet(r) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	status, text := http.StatusOK, "ok\n"
	if r.URL.Path == "/readyz" && !p.state().Ready {
		status, text = http.StatusServiceUnavailable, "not ready\n"
	}
	p.answer(w, status, "text/plain; charset=utf-8", text)
	return true
}

// detailed answers /readyz on the admin listener.
func (p *probes) detailed(w http.ResponseWriter, _ *http.Request) {
	s := p.state()
	status := http.StatusOK
	if !s.Ready {
		status = http.StatusServiceUnavailable
	}
	text, _ := json.Marshal(s) // strings and booleans
	p.answer(w, status, "application/json", string(text)+"\n")
}

func (p *probes) answer(w http.ResponseWriter, status int, contentType, text string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
