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
	const auth0Claim = "https://flowgate.example/permissions"
	for name, test := range map[string]struct {
		config     config.Claims
		claims     jsonObject
		wantName   string // without "idp:", the name of the issuer
		wantGrants []auth.Grant
	}{
		"Temporal": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			jsonObject{"permissions": []any{"orders:read", "billing:write", "temporal-system:admin", "orders:worker", "x:owner", "plain", 7}},
			"alice", grants("orders", auth.RoleRead, "billing", auth.RoleWrite, "temporal-system", auth.RoleAdmin),
		},
		"Keycloak, realm roles": {
			config.Claims{Subject: "preferred_username", Permissions: "realm_access.roles", Prefix: "temporal:", Template: "{namespace}:{role}"},
			jsonObject{"preferred_username": "service-account-orders", "realm_access": jsonObject{
				"roles": []any{"offline_access", "uma_authorization", "temporal:orders:write", "billing:admin"},
			}},
			"service-account-orders", grants("orders", auth.RoleWrite),
		},
		"Keycloak, roles of a client": {
			config.Claims{Subject: "sub", Permissions: "resource_access.flowgate.roles", Template: "{role}@{namespace}"},
			jsonObject{"resource_access": jsonObject{
				"flowgate": jsonObject{"roles": []any{"admin@orders"}}, "account": jsonObject{"roles": []any{"admin@account"}},
			}},
			"alice", grants("orders", auth.RoleAdmin),
		},
		"Auth0, a claim named by a URL": {
			config.Claims{Subject: "sub", Permissions: auth0Claim, Template: "{role}:{namespace}"},
			jsonObject{"sub": "auth0|5f7c8ec7c33c6c004bbafe82", auth0Claim: []any{"read:orders", "Write:billing"}},
			"auth0|5f7c8ec7c33c6c004bbafe82", grants("orders", auth.RoleRead, "billing", auth.RoleWrite),
		},
		"Azure AD, app roles": {
			config.Claims{Subject: "oid", Permissions: "roles", Prefix: "Temporal.", Template: "{role}", Namespace: "orders"},
			jsonObject{"oid": "00000000-0000-0000-66f3-3332eca7ea81", "roles": []any{"Temporal.Write", "Temporal.Owner", "Other.Admin"}},
			"00000000-0000-0000-66f3-3332eca7ea81", grants("orders", auth.RoleWrite),
		},
		"Cognito, scope": {
			config.Claims{Subject: "client_id", Permissions: "scope", Prefix: "flowgate/", Template: "{namespace}.{role}"},
			jsonObject{"client_id": "6bmtl9d3", "scope": "openid flowgate/orders.read  flowgate/orders.a1b2c.write other/x.admin"},
			"6bmtl9d3", grants("orders", auth.RoleRead, "orders.a1b2c", auth.RoleWrite),
		},
		"the operator may grant a namespace prefix": {
			config.Claims{Subject: "sub", Permissions: "roles", Template: "{role}", Namespace: "team-*"},
			jsonObject{"roles": "READ"},
			"alice", grants("team-*", auth.RoleRead),
		},
		"a token may not grant a namespace prefix": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			jsonObject{"permissions": []any{"*:admin", "team-*:admin", "a?:read", "a b:read", "a\n:read", " :read", ":read", "orders:read "}},
			"alice", nil,
		},
		"separators in namespaces": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			jsonObject{"permissions": []any{"a:b:read", "a-b:write", "a:read:admin"}},
			"alice", grants("a:b", auth.RoleRead, "a-b", auth.RoleWrite, "a:read", auth.RoleAdmin),
		},
		"text before, between and after namespace and role": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "ns-{namespace}-{role}-x"},
			jsonObject{"permissions": []any{"ns-a-b-read-x", "ns-read-x", "ns--read-x", "ns-a-read-x-y"}},
			"alice", grants("a-b", auth.RoleRead),
		},
		"special characters of regular expressions": {
			config.Claims{Subject: "sub", Permissions: "permissions", Prefix: "(.*", Template: "{namespace}.+{role}$"},
			jsonObject{"permissions": []any{"(.*orders.+read$", "xorders.+read$", "(.*ordersxxread"}},
			"alice", grants("orders", auth.RoleRead),
		},
		"upper-case temporal-system is another namespace": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			jsonObject{"permissions": []any{"Temporal-System:admin", "temporal-system :admin"}},
			"alice", grants("Temporal-System", auth.RoleAdmin),
		},
		"missing claim": {
			config.Claims{Subject: "sub", Permissions: "a.b.c", Template: "{namespace}:{role}"},
			jsonObject{"a": jsonObject{"b": 1}},
			"alice", nil,
		},
		"number as claim": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			jsonObject{"permissions": 7},
			"alice", nil,
		},
		"operations": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{operation}"},
			jsonObject{"permissions": []any{"orders:start", "orders:start-activities", "orders:read", "orders:write", "orders:Signal", "x:", "*:start"}},
			"alice",
			[]auth.Grant{
				{Namespace: "orders", Operations: auth.OpStart},
				{Namespace: "orders", Operations: auth.OpStartActivities},
				{Namespace: "orders", Operations: auth.OpRead},
			},
		},
		"operations with the default template": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			jsonObject{"permissions": []any{"orders:start", "orders:signal", "orders:terminate"}},
			"alice", nil,
		},
		"object as claim": {
			config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
			jsonObject{"permissions": jsonObject{"a:read": true}},
			"alice", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ed := newEd25519(t, "ed")
			issuer := issuerSettings()
			issuer.Claims = test.config
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(ed.jwk(nil)), issuer)
				principal := f.accepts(t, ed.sign(t, ed.header(nil), claims(time.Now(), test.claims)))
				require.Equal(t, "idp:"+test.wantName, principal.Name)
				require.Equal(t, test.wantGrants, principal.Grants)
			})
		})
	}
}

func TestGrantsAreBounded(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	issuer := issuerSettings()
	issuer.Claims.Permissions, issuer.Claims.Template, issuer.Claims.Namespace = "scope", "{role}", "orders"
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(ed.jwk(nil)), issuer)
		principal := f.accepts(t, ed.sign(t, ed.header(nil), claims(time.Now(), jsonObject{"scope": strings.Repeat("read ", 1100)})))
		require.Len(t, principal.Grants, 1000)
	})
}

func TestIssuerSelectsCredential(t *testing.T) {
	t.Parallel()
	mint := auth.NewCredential("mint", nil)
	for _, mode := range []string{"", "none", "passthrough", "mint"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			ed := newEd25519(t, "ed")
			issuer := issuerSettings()
			issuer.Credential, issuer.JWKSURL, issuer.PublicKeyFile = mode, "", ed.pemFile(t)
			verifier, err := jwt.New([]config.Issuer{issuer}, jwt.Options{Mint: mint})
			require.NoError(t, err)
			token := ed.validToken(t)
			principal, err := verifier.Verify(t.Context(), token)
			require.NoError(t, err)
			switch mode {
			case "":
				require.Nil(t, principal.Credential, "calls use the configured credential of the upstream")
			case "mint":
				require.Same(t, mint, principal.Credential)
			default:
				value, err := principal.Credential.Authorization(t.Context(), auth.CallInfo{Principal: principal})
				require.NoError(t, err)
				require.Equal(t, map[string]string{"none": "", "passthrough": "Bearer " + token}[mode], value)
			}
			_, err = auth.Passthrough().Authorization(t.Context(), auth.CallInfo{Principal: principal})
			mayPassThrough := mode == "" || mode == "passthrough" // without a mode, that of the upstream applies and may be passthrough
			require.Equal(t, mayPassThrough, err == nil, "the principal holds the token only if a credential may pass it through")
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
