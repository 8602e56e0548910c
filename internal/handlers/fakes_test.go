package handlers_test

import (
	"testing"
	"testing/synctest"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// chained runs a test in a bubble, against a gateway whose upstream is a
// temporalfake.Chain.
func chained(t *testing.T, configure func(*config.Config), test func(*testing.T, *servertest.Gateway, *temporalfake.Chain)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: configure})
		test(t, g, temporalfake.NewChain(g.Upstream))
	})
}

// updating runs a test in a bubble, against a gateway whose upstream is a
// temporalfake.Update.
func updating(t *testing.T, configure func(*config.Config), test func(*testing.T, *servertest.Gateway, *temporalfake.Update)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: configure})
		test(t, g, temporalfake.NewUpdate(g.Upstream))
	})
}
