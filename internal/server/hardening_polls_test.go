package server_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// sharedPolls returns the cases about many equal waits or event streams with one delegated token.
func sharedPolls() []hostile {
	row := func(name string, act func(*testing.T, *servertest.Gateway) string) hostile {
		return hostile{number: 91, name: name, act: act}
	}
	return []hostile{
		row("100 delegated waits for a result", delegatedWaitsForAResult),
		row("100 delegated streams", delegatedStreams),
		row("100 delegated waits for an update", delegatedWaitsForAnUpdate),
	}
}

func delegatedWaitsForAResult(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	f := temporalfake.NewWorkflow(g.Upstream)
	credentials := make([][]string, 100)
	token := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody))
	for i := range credentials {
		credentials[i] = token
	}
	polls := countPolls(t, g, f, credentials...)
	require.Equal(t, 1, polls, "polls of 100 waits")
	return "1 poll"
}

func delegatedStreams(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	c := temporalfake.NewRunChain(g.Upstream)
	token := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true,"ttl":"1h"}`))
	streams := make([]*servertest.EventStream, 100)
	for i := range streams {
		streams[i] = g.FollowHistory(t, "", token...)
		require.Equal(t, c.EventIDs(), streams[i].ReadIDs(t, len(c.EventIDs())))
	}
	synctest.Wait()
	require.Equal(t, 1, c.Polls(), "polls of 100 streams")
	for _, s := range streams {
		s.Close()
	}
	synctest.Wait()
	return "1 poll"
}

func delegatedWaitsForAnUpdate(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	f := temporalfake.NewUpdate(g.Upstream)
	f.MarkSent()
	f.Accept()
	token := servertest.Bearer(g.CreateDelegatedToken(t, `{"updates":["addItem"]}`))
	var waits sync.WaitGroup
	for range 100 {
		waits.Go(func() {
			resp, err := g.Send(t.Context(), http.MethodGet, servertest.UpdatesPath+"/u-1?wait=40s", "", token...)
			if err != nil || resp.Status != http.StatusOK {
				t.Errorf("%v, %d %s", err, resp.Status, resp.Body)
			}
		})
	}
	synctest.Wait()
	polls := f.Polls()
	f.Complete("7")
	waits.Wait()
	require.Equal(t, 1, polls, "polls of 100 waits")
	return "1 poll"
}
