package server_test

import (
	"testing"
	"testing/synctest"

	"github.com/flowgate/flowgate/internal/config"
)

// chained runs a test in a bubble, against a gateway whose upstream has a chain of runs.
func chained(t *testing.T, configure func(*config.Config), test func(*testing.T, *gateway, *fakeChain)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: configure})
		test(t, g, newFakeChain(g.upstream))
	})
}

// updating runs a test against a gateway whose upstream has an update.
func updating(t *testing.T, configure func(*config.Config), test func(*testing.T, *gateway, *fakeUpdate)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: configure})
		test(t, g, newFakeUpdate(g.upstream))
	})
}
