package jwt_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
)

// A source of keys is fetched again only if a setting from which it is made has changed.
func TestAReplacedVerifierKeepsTheKeysOfUnchangedSources(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*config.Issuer)
		kept   bool
	}{
		"nothing":    {func(*config.Issuer) {}, true},
		"audience":   {func(i *config.Issuer) { i.Audience = append([]string{"new"}, i.Audience...) }, true},
		"claims":     {func(i *config.Issuer) { i.Claims.Prefix = "x" }, true},
		"rate":       {func(i *config.Issuer) { i.Rate.PerSecond = 1 }, true},
		"name":       {func(i *config.Issuer) { i.Name = "other" }, false},
		"jwksURL":    {func(i *config.Issuer) { i.JWKSURL += "2" }, false},
		"discovery":  {func(i *config.Issuer) { i.JWKSURL, i.Discovery = "", true }, false},
		"algorithms": {func(i *config.Issuer) { i.Algorithms = i.Algorithms[:1] }, false},
		"maxStale":   {func(i *config.Issuer) { i.MaxStale *= 2 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				provider, options := newIDP(newEC(t, "a", p256()).jwk(nil)), jwt.Options{}
				options.Transport = provider
				first, err := jwt.New([]config.Issuer{issuerSettings()}, options)
				require.NoError(t, err)
				ctx, stop := context.WithCancel(t.Context())
				var watches jwt.Watches
				defer watches.Wait()
				defer stop()
				watches.Follow(ctx, first)
				synctest.Wait()
				require.Len(t, provider.fetches(), 1)

				changed := issuerSettings()
				test.change(&changed)
				options.Previous = first
				second, err := jwt.New([]config.Issuer{changed}, options)
				require.NoError(t, err)
				watches.Follow(ctx, second)
				watches.Follow(ctx, second)
				synctest.Wait()
				require.Equal(t, test.kept, second.Ready() == nil && len(provider.fetches()) == 1)
			})
		})
	}
}

func TestWatchesOfRemovedSourcesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP(newEC(t, "a", p256()).jwk(nil))
		verifier, err := jwt.New([]config.Issuer{issuerSettings()}, jwt.Options{Transport: provider})
		require.NoError(t, err)
		var watches jwt.Watches
		watches.Follow(t.Context(), verifier)
		sleep(2 * time.Hour)
		before := len(provider.fetches())
		require.Greater(t, before, 1)
		watches.Follow(t.Context(), nil)
		watches.Wait() // although the context is not done
		sleep(2 * time.Hour)
		require.Len(t, provider.fetches(), before)
	})
}
