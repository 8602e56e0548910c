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

// staticCredential returns a credential that authenticates every call with the token.
func staticCredential(t testing.TB, token string) *auth.Credential {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(token), 0o600))
	credential, err := auth.OpenStatic(path, nil)
	require.NoError(t, err)
	return credential
}

func TestThePrincipalsCredentialTakesPrecedence(t *testing.T) {
	t.Parallel()
	none := auth.NoCredential()
	principals, gateways := staticCredential(t, "of-principal"), staticCredential(t, "of-gateway")
	for name, test := range map[string]struct {
		credential *auth.Credential // of the principal
		want       []string         // the metadata key authorization
		id         string           // what CredentialID returns
	}{
		"that of the gateway":   {nil, []string{"Bearer of-gateway"}, gateways.ID(nil)},
		"that of the principal": {principals, []string{"Bearer of-principal"}, principals.ID(nil)},
		"none":                  {none, nil, none.ID(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				client := newClient(t, server, func(o *upstream.Options) { o.Credential = gateways })
				ctx := inOrdersNamespace(t.Context())
				principal, _ := auth.PrincipalFrom(ctx)
				principal.Credential = test.credential
				require.Error(t, describeWorkflow(ctx, client)) // UNIMPLEMENTED: only the metadata matters here
				require.Equal(t, test.want, server.Calls(describe)[0].Metadata.Get("authorization"))
				require.Equal(t, test.id, client.CredentialID(principal, orders))
				watch, stop := context.WithCancel(ctx)
				defer stop()
				go client.WatchHealth(watch)
				synctest.Wait()
				require.Equal(t, []string{"Bearer of-gateway"}, server.Calls("GetSystemInfo")[0].Metadata.Get("authorization"))
			})
		})
	}
}
