package jwt_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
)

// TestNameAndGrantsFromClaims covers the formats of common issuers.
func TestNameAndGrantsFromClaims(t *testing.T) {
	t.Parallel()
	const auth0 = "https://flowgate.example/permissions"
	for name, test := range map[string]struct {
		settings config.Claims
		claims   members
		caller   string // the name without the issuer's prefix
		want     []auth.Grant
	}{
		"Temporal": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			members{"permissions": []any{"orders:read", "billing:write", "temporal-system:admin", "orders:worker", "x:owner", "plain", 7}},
			"alice", grants("orders", auth.RoleRead, "billing", auth.RoleWrite, "temporal-system", auth.RoleAdmin),
		},
		"Keycloak, realm roles": {
			config.Claims{Subject: "preferred_username", Permissions: "realm_access.roles", Prefix: "temporal:", Template: "{namespace}:{role}"},
			members{"preferred_username": "service-account-orders", "realm_access": members{
				"roles": []any{"offline_access", "uma_authorization", "temporal:orders:write", "billing:admin"},
			}},
			"service-account-orders", grants("orders", auth.RoleWrite),
		},
		"Keycloak, roles of a client": {
			config.Claims{Subject: "sub", Permissions: "resource_access.flowgate.roles", Template: "{role}@{namespace}"},
			members{"resource_access": members{
				"flowgate": members{"roles": []any{"admin@orders"}}, "account": members{"roles": []any{"admin@account"}},
			}},
			"alice", grants("orders", auth.RoleAdmin),
		},
		"Auth0, a claim named by a URL": {
			config.Claims{Subject: "sub", Permissions: auth0, Template: "{role}:{namespace}"},
			members{"sub": "auth0|5f7c8ec7c33c6c004bbafe82", auth0: []any{"read:orders", "Write:billing"}},
			"auth0|5f7c8ec7c33c6c004bbafe82", grants("orders", auth.RoleRead, "billing", auth.RoleWrite),
		},
		"Azure AD, app roles": {
			config.Claims{Subject: "oid", Permissions: "roles", Prefix: "Temporal.", Template: "{role}", Namespace: "orders"},
			members{"oid": "00000000-0000-0000-66f3-3332eca7ea81", "roles": []any{"Temporal.Write", "Temporal.Owner", "Other.Admin"}},
			"00000000-0000-0000-66f3-3332eca7ea81", grants("orders", auth.RoleWrite),
		},
		"Cognito, scope": {
			config.Claims{Subject: "client_id", Permissions: "scope", Prefix: "flowgate/", Template: "{namespace}.{role}"},
			members{"client_id": "6bmtl9d3", "scope": "openid flowgate/orders.read  flowgate/orders.a1b2c.write other/x.admin"},
			"6bmtl9d3", grants("orders", auth.RoleRead, "orders.a1b2c", auth.RoleWrite),
		},
		"the operator may grant a namespace prefix": {
			config.Claims{Subject: "sub", Permissions: "roles", Template: "{role}", Namespace: "team-*"},
			members{"roles": "READ"},
			"alice", grants("team-*", auth.RoleRead),
		},
		"a token may not grant a namespace prefix": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			members{"permissions": []any{"*:admin", "team-*:admin", "a?:read", "a b:read", "a\n:read", " :read", ":read", "orders:read "}},
			"alice", nil,
		},
		"separators in namespaces": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			members{"permissions": []any{"a:b:read", "a-b:write", "a:read:admin"}},
			"alice", grants("a:b", auth.RoleRead, "a-b", auth.RoleWrite, "a:read", auth.RoleAdmin),
		},
		"one separator for namespace and role": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "ns-{namespace}-{role}-x"},
			members{"permissions": []any{"ns-a-b-read-x", "ns-read-x", "ns--read-x", "ns-a-read-x-y"}},
			"alice", grants("a-b", auth.RoleRead),
		},
		"special characters of regular expressions": {
			config.Claims{Subject: "sub", Permissions: "permissions", Prefix: "(.*", Template: "{namespace}.+{role}$"},
			members{"permissions": []any{"(.*orders.+read$", "xorders.+read$", "(.*ordersxxread"}},
			"alice", grants("orders", auth.RoleRead),
		},
		"upper-case temporal-system is another namespace": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			members{"permissions": []any{"Temporal-System:admin", "temporal-system :admin"}},
			"alice", grants("Temporal-System", auth.RoleAdmin),
		},
		"missing claim": {
			config.Claims{Subject: "sub", Permissions: "a.b.c", Template: "{namespace}:{role}"},
			members{"a": members{"b": 1}},
			"alice", nil,
		},
		"number as claim": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			members{"permissions": 7},
			"alice", nil,
		},
		"object as claim": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			members{"permissions": members{"a:read": true}},
			"alice", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ed := newEd25519(t, "ed")
			issuer := settings()
			issuer.Claims = test.settings
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(ed.jwk(nil)), issuer)
				principal := f.accepts(t, ed.sign(t, ed.header(nil), claims(time.Now(), test.claims)))
				require.Equal(t, "idp:"+test.caller, principal.Name)
				require.Equal(t, test.want, principal.Grants)
			})
		})
	}
}

func TestGrantsAreBounded(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	issuer := settings()
	issuer.Claims.Permissions, issuer.Claims.Template, issuer.Claims.Namespace = "scope", "{role}", "orders"
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(ed.jwk(nil)), issuer)
		principal := f.accepts(t, ed.sign(t, ed.header(nil), claims(time.Now(), members{"scope": strings.Repeat("read ", 1100)})))
		require.Len(t, principal.Grants, 1000)
	})
}

func TestIssuerSelectsCredential(t *testing.T) {
	t.Parallel()
	mint := auth.NewCredential("mint", nil)
	for mode, want := range map[string]string{"": "upstream's own", "none": "none", "passthrough": "passthrough", "mint": "mint"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			ed := newEd25519(t, "ed")
			issuer := settings()
			issuer.Credential, issuer.JWKSURL, issuer.PublicKeyFile = mode, "", ed.pemFile(t)
			verifier, err := jwt.New([]config.Issuer{issuer}, jwt.Options{Mint: mint})
			require.NoError(t, err)
			token := ed.validToken(t)
			principal, err := verifier.Verify(t.Context(), token)
			require.NoError(t, err)
			switch want {
			case "upstream's own":
				require.Nil(t, principal.Credential)
			case "mint":
				require.Same(t, mint, principal.Credential)
			default:
				value, err := principal.Credential.Authorization(t.Context(), auth.CallInfo{Principal: principal})
				require.NoError(t, err)
				require.Equal(t, map[string]string{"none": "", "passthrough": "Bearer " + token}[want], value)
			}
			_, err = auth.Passthrough().Authorization(t.Context(), auth.CallInfo{Principal: principal})
			require.Equal(t, mode == "" || mode == "passthrough", err == nil, "only passthrough sends the token")
		})
	}
}

// grants returns grants from pairs of a namespace and a role.
func grants(pairs ...any) []auth.Grant {
	var all []auth.Grant
	for i := 0; i < len(pairs); i += 2 {
		namespace, _ := pairs[i].(string)
		role, _ := pairs[i+1].(auth.Role)
		all = append(all, auth.Grant{Namespace: namespace, Role: role})
	}
	return all
}
