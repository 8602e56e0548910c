package upstream_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func tokenIn(t *testing.T, token string) *auth.Credential {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(token), 0o600))
	credential, err := auth.OpenStatic(path, nil)
	require.NoError(t, err)
	return credential
}

func TestThePrincipalsCredentialWins(t *testing.T) {
	t.Parallel()
	none := auth.NoCredential()
	own, upstreams := tokenIn(t, "principals"), tokenIn(t, "upstreams")
	for name, test := range map[string]struct {
		credential *auth.Credential
		want       []string
		id         string
	}{
		"of the upstream":  {nil, []string{"Bearer upstreams"}, upstreams.ID(nil)},
		"of the principal": {own, []string{"Bearer principals"}, own.ID(nil)},
		"none":             {none, nil, none.ID(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				client := newClient(t, server, func(o *upstream.Options) { o.Credential = upstreams })
				ctx := inOrders(t.Context())
				who, _ := auth.PrincipalFrom(ctx)
				who.Credential = test.credential
				require.Error(t, ask(ctx, client)) // UNIMPLEMENTED is fine
				require.Equal(t, test.want, server.Calls(describe)[0].Metadata.Get("authorization"))
				require.Equal(t, test.id, client.CredentialID(who, orders))
				watch, stop := context.WithCancel(ctx)
				defer stop()
				go client.WatchHealth(watch)
				synctest.Wait()
				require.Equal(t, []string{"Bearer upstreams"}, server.Calls("GetSystemInfo")[0].Metadata.Get("authorization"))
			})
		})
	}
}
