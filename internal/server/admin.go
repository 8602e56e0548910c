package server

import (
	"net/http"
	"net/http/pprof"
	"net/netip"
	"slices"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// newAdmin serves operators: probes with their reasons, metrics, profiles. It
// has no authentication, so that it must not be reached through the browser of
// somebody who can: hosts are the names that requests may be for.
func newAdmin(p *probes, metrics *telemetry.Metrics, hosts []string) http.Handler {
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
	return forOperators(hosts, mux)
}

// forOperators refuses a host name that an attacker's page can have pointed at
// this listener (DNS rebinding). An address cannot be: a page that comes from
// it came from here. hosts are in lower case.
func forOperators(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		endAmbiguous(w.Header(), r)
		host := hostName(r.Host)
		if _, err := netip.ParseAddr(host); err == nil || host == "localhost" || slices.Contains(hosts, host) {
			next.ServeHTTP(w, r)
			return
		}
		id := requestID(r.Header)
		setSecurityHeaders(w.Header(), id)
		problem.Write(w, problem.New(problem.MisdirectedRequest,
			"This listener does not answer for that host. Use an address, or a name of listen.adminHosts."), problem.Occurrence{RequestID: id})
	})
}
