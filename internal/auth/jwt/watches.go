package jwt

import (
	"context"
	"sync"
)

// Watches keeps the keys of successive verifiers current. The zero value is ready to use. Its methods must not be called
// concurrently.
type Watches struct {
	ends    map[source]context.CancelFunc
	running sync.WaitGroup
}

// Follow keeps the keys of v, which replaces the verifier of the last call, current until ctx is done. It leaves alone
// the sources that both verifiers have, and ends the fetches of those that only the last one had. A nil verifier has no
// sources.
func (w *Watches) Follow(ctx context.Context, v *Verifier) {
	ends := map[source]context.CancelFunc{}
	if v != nil {
		for _, issuer := range v.issuers {
			end, running := w.ends[issuer.source]
			if !running {
				end = w.start(ctx, issuer.source)
			}
			ends[issuer.source] = end
		}
	}
	for source, end := range w.ends {
		if _, kept := ends[source]; !kept {
			end()
		}
	}
	w.ends = ends
}

// start watches a source in a goroutine of its own, until the returned function is called.
func (w *Watches) start(ctx context.Context, s source) context.CancelFunc {
	ctx, end := context.WithCancel(ctx)
	w.running.Go(func() {
		defer end()
		s.watch(ctx)
	})
	return end
}

// Wait waits until all watches have ended. Call it when the context of [Watches.Follow] is done.
func (w *Watches) Wait() { w.running.Wait() }
