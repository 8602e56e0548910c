package peers

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"runtime"
)

// Admin serves what the bench asks of a process beside its work: the number of its allocations, under the name that
// the gateway's metrics have for it, and profiles.
func Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		_, _ = fmt.Fprintf(w, "go_memstats_mallocs_total %d\n", stats.Mallocs) // a client that has gone needs no answer
	})
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}
