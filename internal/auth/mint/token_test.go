package mint_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	path := writeFile(t, ecKey(t))
	for name, c := range map[string]struct {
		audience []string
		want     any
	}{
		"no audience":   {nil, nil},
		"one audience":  {[]string{"temporal"}, "temporal"},
		"two audiences": {[]string{"temporal", "other"}, []any{"temporal", "other"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := settings(path)
			cfg.Audience = c.audience
			signer := openSigner(t, cfg)
			token, err := fetchKeys(t, signer).verify(tokenFor(t, signer, readCall("idp:üser", "default")))
			require.NoError(t, err, name)
			want := jwt.MapClaims{
				"iss": "flowgate", "sub": "idp:üser", "permissions": []any{"default:read"},
				"iat": seconds(-time.Minute), "nbf": seconds(-time.Minute), "exp": seconds(30 * time.Second),
			}
			if c.want != nil {
				want["aud"] = c.want
			}
			require.Equal(t, want, token.Claims, name)
			kid := token.Header["kid"]
			require.Equal(t, map[string]any{"alg": "ES256", "typ": "JWT", "kid": kid}, token.Header, name)
		})
	}
}

// seconds returns the NumericDate of a time relative to now.
func seconds(from time.Duration) any { return float64(time.Now().Add(from).Unix()) }

func TestPermissionsAreLeastPrivilege(t *testing.T) {
	t.Parallel()
	signer := openSigner(t, settings(writeFile(t, ecKey(t))))
	keys := fetchKeys(t, signer)
	for name, c := range map[string]struct {
		namespace string
		access    auth.Access
		want      []any
	}{
		"read":                      {"prod", auth.Access{Role: auth.RoleRead, Scope: auth.ScopeNamespace}, []any{"prod:read"}},
		"write":                     {"prod", auth.Access{Role: auth.RoleWrite, Scope: auth.ScopeNamespace}, []any{"prod:write"}},
		"admin":                     {"prod", auth.Access{Role: auth.RoleAdmin, Scope: auth.ScopeNamespace}, []any{"prod:admin"}},
		"cluster":                   {"", auth.Access{Role: auth.RoleRead, Scope: auth.ScopeCluster}, []any{"temporal-system:read"}},
		"cluster, with a namespace": {"prod", auth.Access{Role: auth.RoleAdmin, Scope: auth.ScopeCluster}, []any{"temporal-system:admin"}},
		"open":                      {"prod", auth.Access{Role: auth.RoleRead, Scope: auth.ScopeNone}, []any{}},
		"no namespace":              {"", auth.Access{Role: auth.RoleWrite, Scope: auth.ScopeNamespace}, []any{}},
		"zero access":               {"prod", auth.Access{}, []any{}},
		"no role":                   {"prod", auth.Access{Scope: auth.ScopeNamespace}, []any{}},
	} {
		call := auth.CallInfo{Principal: &auth.Principal{Name: "dev"}, Namespace: c.namespace, Access: c.access}
		token, err := keys.verify(tokenFor(t, signer, call))
		require.NoError(t, err, name)
		claims, ok := token.Claims.(jwt.MapClaims)
		require.True(t, ok)
		require.Equal(t, c.want, claims["permissions"], name)
	}
}

func TestNoTokenWithoutPrincipalOrForNamespaceWithColon(t *testing.T) {
	t.Parallel()
	signer := openSigner(t, settings(writeFile(t, ecKey(t))))
	withoutName := readCall("", "default")
	withoutPrincipal := readCall("dev", "default")
	withoutPrincipal.Principal = nil
	for name, call := range map[string]auth.CallInfo{
		"no principal": withoutPrincipal, "no name": withoutName, "a colon": readCall("dev", "prod:admin"),
	} {
		header, err := signer.Authorization(t.Context(), call)
		require.Error(t, err, name)
		require.Empty(t, header, name)
	}
}

func TestCacheKeyIsPrincipalName(t *testing.T) {
	t.Parallel()
	credential := auth.NewCredential("mint", openSigner(t, settings(writeFile(t, ecKey(t)))))
	require.Equal(t, "mint:dev", credential.ID(&auth.Principal{Name: "dev"}))
}

func TestTokensAreCachedUntilShortlyBeforeExpiry(t *testing.T) {
	t.Parallel()
	path := writeFile(t, ecKey(t))
	for ttl, cached := range map[time.Duration]time.Duration{
		10 * time.Second: 6 * time.Second, // two thirds of the lifetime, truncated to whole seconds
		30 * time.Second: 20 * time.Second,
		5 * time.Minute:  4 * time.Minute,
		time.Hour:        59 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := settings(path)
			cfg.TTL = ttl
			signer := openSigner(t, cfg)
			first := tokenFor(t, signer, readCall("dev", "default"))
			for name, other := range map[string]auth.CallInfo{
				"caller": readCall("other", "default"), "namespace": readCall("dev", "other"), "role": writeCall("dev", "default"),
			} {
				require.NotEqual(t, first, tokenFor(t, signer, other), "another %s", name)
			}
			time.Sleep(cached - time.Millisecond)
			require.Equal(t, first, tokenFor(t, signer, readCall("dev", "default")), ttl)
			time.Sleep(time.Millisecond)
			second := tokenFor(t, signer, readCall("dev", "default"))
			require.NotEqual(t, first, second, ttl)
			_, err := fetchKeys(t, signer).verify(first)
			require.NoError(t, err, "the first token has not expired yet")
		})
	}
}

func writeCall(name, namespace string) auth.CallInfo {
	call := readCall(name, namespace)
	call.Access.Role = auth.RoleWrite
	return call
}

// After the clock is set back, cached tokens that servers would reject as tokens from the future must not be sent.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cfg := settings(writeFile(t, ecKey(t)))
	signer := openSignerAt(t, cfg, func() time.Time { return now })
	first := tokenFor(t, signer, readCall("dev", "default"))
	now = now.Add(-30 * time.Second).Round(0)
	require.Equal(t, first, tokenFor(t, signer, readCall("dev", "default")), "the token is back-dated by more than 30 s")
	now = now.Add(-time.Hour)
	require.NotEqual(t, first, tokenFor(t, signer, readCall("dev", "default")))
}

func TestCredentialSendsMintedToken(t *testing.T) {
	t.Parallel()
	signer := openSigner(t, config.Mint{
		KeyFile: writeFile(t, ecKey(t)), Algorithm: "ES256", Issuer: "flowgate", TTL: 5 * time.Minute, PublishAhead: 2 * time.Minute,
	})
	header, err := auth.NewCredential("mint", signer).Authorization(context.Background(), readCall("dev", "default"))
	require.NoError(t, err)
	require.Equal(t, "Bearer "+tokenFor(t, signer, readCall("dev", "default")), header)
}
