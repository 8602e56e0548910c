package server

import (
	"net/http"
	"net/http/pprof"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// newAdmin serves operators: probes with their reasons, metrics, profiles.
func newAdmin(p *probes, metrics *telemetry.Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) { p.serve(w, r) })
	mux.HandleFunc("GET /readyz", p.detailed)
	scrape := metrics.Handler()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		p.state() // readiness as it is now
		scrape.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
