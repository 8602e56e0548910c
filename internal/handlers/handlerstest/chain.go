package handlerstest

import (
	"testing"
	"testing/synctest"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// WithChain runs a test in a synctest bubble, against a gateway whose upstream is a
// [temporalfake.RunChain].
func WithChain(t *testing.T, configure func(*config.Config), test func(*testing.T, *servertest.Gateway, *temporalfake.RunChain)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: configure})
		test(t, g, temporalfake.NewRunChain(g.Upstream))
	})
}
