package peers

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"runtime"
)

// Admin returns the admin handler of the floor and the peers. It serves CPU profiles, and the number of allocations as
// the same metric as the gateway.
func Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		_, _ = fmt.Fprintf(w, "go_memstats_mallocs_total %d\n", stats.Mallocs) // an error means that the client has disconnected
	})
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}
