package server_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// sharedPolls are the cases about many equal waits with one delegated token.
func sharedPolls() []hostile {
	row := func(name string, act func(*testing.T, *gateway) string) hostile {
		return hostile{number: 91, name: name, act: act}
	}
	return []hostile{
		row("100 delegated waits for a result", delegatedWaitsForAResult),
		row("100 delegated streams", delegatedStreams),
		row("100 delegated waits for an update", delegatedWaitsForAnUpdate),
	}
}

func delegatedWaitsForAResult(t *testing.T, g *gateway) string {
	t.Helper()
	f := newFakeWorkflow(g.upstream)
	credentials := make([][]string, 100)
	token := bearer(g.delegate(t, approval))
	for i := range credentials {
		credentials[i] = token
	}
	polls := waits(t, g, f, credentials...)
	require.Equal(t, 1, polls, "polls of 100 waits")
	return "1 poll"
}

func delegatedStreams(t *testing.T, g *gateway) string {
	t.Helper()
	c := newFakeChain(g.upstream)
	token := bearer(g.delegate(t, `{"read":true,"ttl":"1h"}`))
	streams := make([]*eventStream, 100)
	for i := range streams {
		streams[i] = g.follow(t, "", token...)
		require.Equal(t, c.ids(), streams[i].ids(t, len(c.ids())))
	}
	synctest.Wait()
	require.Equal(t, 1, c.waiting(), "polls of 100 streams")
	for _, s := range streams {
		s.close()
	}
	synctest.Wait()
	return "1 poll"
}

func delegatedWaitsForAnUpdate(t *testing.T, g *gateway) string {
	t.Helper()
	f := newFakeUpdate(g.upstream)
	f.sent = true
	f.accept()
	token := bearer(g.delegate(t, `{"updates":["addItem"]}`))
	var waits sync.WaitGroup
	for range 100 {
		waits.Go(func() {
			a, err := g.send(t.Context(), http.MethodGet, updatesPath+"/u-1?wait=40s", "", token...)
			if err != nil || a.status != http.StatusOK {
				t.Errorf("%v, %d %s", err, a.status, a.body)
			}
		})
	}
	synctest.Wait()
	polls := f.waiters()
	f.complete("7")
	waits.Wait()
	require.Equal(t, 1, polls, "polls of 100 waits")
	return "1 poll"
}
