package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

// issuerWith returns the YAML of a valid issuer in which the given members, pairs of a
// name and a value, are added or replaced. An empty value removes the member.
func issuerWith(changes ...string) string {
	members := []string{"issuer", "'https://idp.example'", "audience", "[flowgate]", "jwksURL", "'https://idp.example/jwks'"}
	for i := 0; i < len(changes); i += 2 {
		j := 0
		for j < len(members) && members[j] != changes[i] {
			j += 2
		}
		members = append(members[:min(j, len(members))], append(changes[i:i+2:i+2], members[min(j+2, len(members)):]...)...)
	}
	text := ""
	for i := 0; i < len(members); i += 2 {
		if members[i+1] != "" {
			text += members[i] + ": " + members[i+1] + ", "
		}
	}
	return "{" + text + "}"
}

func TestInvalidIssuers(t *testing.T) {
	t.Parallel()
	const (
		nameProblem      = "auth.jwt[0].name: must be 1 to 64 letters, digits, '-', '.' and '_'"
		reservedProblem  = "auth.jwt[0].name: is reserved for callers of another kind"
		sourcesProblem   = "auth.jwt[0]: requires exactly one of jwksURL, discovery: true and publicKeyFile"
		keyURLProblem    = "auth.jwt[0].jwksURL: must be a URL, such as https://idp.example/jwks"
		plaintextProblem = ": would fetch keys without TLS from another host: use https, or set allowPlaintextCredential to accept that"
		namespaceProblem = "auth.jwt[0].claims.namespace: is required if the template has no {namespace}, and not allowed otherwise"
	)
	for _, tc := range []struct{ issuer, want string }{
		{issuerWith("issuer", ""), "auth.jwt[0].issuer: is missing"},
		{issuerWith("name", "a:b"), nameProblem},
		{issuerWith("name", "'a b'"), nameProblem},
		{issuerWith("name", strings.Repeat("a", 65)), nameProblem},
		{issuerWith("issuer", "urn:idp"), nameProblem}, // has no host, which would be the default name
		{issuerWith("name", "cert"), reservedProblem},
		{issuerWith("name", "delegated"), reservedProblem},
		{issuerWith("audience", ""), "auth.jwt[0].audience: must contain at least one value, and no empty value"},
		{issuerWith("audience", "[]"), "auth.jwt[0].audience: must contain at least one value, and no empty value"},
		{issuerWith("audience", "[flowgate, '']"), "auth.jwt[0].audience: must contain at least one value, and no empty value"},
		{issuerWith("algorithms", "[RS256, HS256]"), "auth.jwt[0].algorithms: must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"},
		{issuerWith("algorithms", "[none]"), "auth.jwt[0].algorithms: must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"},
		{issuerWith("types", "[JWT]"), "auth.jwt[0].types: must be in lower case, without application/"},
		{issuerWith("types", "[application/at+jwt]"), "auth.jwt[0].types: must be in lower case, without application/"},
		{issuerWith("types", "['']"), "auth.jwt[0].types: must be in lower case, without application/"},
		{issuerWith("jwksURL", ""), sourcesProblem},
		{issuerWith("discovery", "true"), sourcesProblem},
		{issuerWith("publicKeyFile", "flowgate.yaml"), sourcesProblem},
		{issuerWith("jwksURL", "", "publicKeyFile", "absent"), "auth.jwt[0].publicKeyFile: absent cannot be read: no such file or directory"},
		{issuerWith("caFile", "absent"), "auth.jwt[0].caFile: absent cannot be read: no such file or directory"},
		{issuerWith("caFile", "flowgate.yaml"), "auth.jwt[0].caFile: flowgate.yaml contains no PEM certificate"},
		{issuerWith("jwksURL", "idp.example/jwks"), keyURLProblem},
		{issuerWith("jwksURL", "'ftp://idp.example/jwks'"), keyURLProblem},
		{issuerWith("jwksURL", "'https:///jwks'"), keyURLProblem},
		{issuerWith("jwksURL", "'https://user@idp.example/jwks'"), keyURLProblem},
		{issuerWith("jwksURL", "'https://idp.example/jwks#a'"), keyURLProblem},
		{issuerWith("jwksURL", "'http://idp.example/jwks'"), "auth.jwt[0].jwksURL" + plaintextProblem},
		{issuerWith("jwksURL", "'http://localhost.example/jwks'"), "auth.jwt[0].jwksURL" + plaintextProblem},
		{issuerWith("jwksURL", "", "discovery", "true", "issuer", "'http://idp.example'"), "auth.jwt[0].issuer" + plaintextProblem},
		{issuerWith("leeway", "31s"), "auth.jwt[0].leeway: must be at most 30s"},
		{issuerWith("leeway", "-1s"), "auth.jwt[0].leeway: must be at most 30s"},
		{issuerWith("maxLifetime", "169h"), "auth.jwt[0].maxLifetime: must be above 0 and at most 168h"},
		{issuerWith("maxLifetime", "-1s"), "auth.jwt[0].maxLifetime: must be above 0 and at most 168h"},
		{issuerWith("maxStale", "-1s"), "auth.jwt[0].maxStale: must be greater than zero"},
		{issuerWith("claims", "{template: '{namespace}'}"), "auth.jwt[0].claims.template: must contain {role} once, or {operation} once"},
		{issuerWith("claims", "{template: '{namespace}:{role}:{role}'}"), "auth.jwt[0].claims.template: must contain {role} once, or {operation} once"},
		{issuerWith("claims", "{template: '{namespace}:{namespace}:{role}'}"), "auth.jwt[0].claims.template: must contain {namespace} at most once"},
		{issuerWith("claims", "{template: '{namespace}{role}'}"), "auth.jwt[0].claims.template: must have something between {namespace} and {role}"},
		{issuerWith("claims", "{template: '{role}'}"), namespaceProblem},
		{issuerWith("claims", "{namespace: default}"), namespaceProblem},
		{issuerWith("claims", "{subjekt: sub}"), "auth.jwt[0].claims.subjekt: unknown field"},
		{issuerWith("credential", "static"), "auth.jwt[0].credential: must be one of none, passthrough, mint"},
		{issuerWith("credential", "mint"), "upstream.credential.mint.keyFile: is required with mode mint"},
		{issuerWith() + ", " + issuerWith("name", "other"), "auth.jwt[1].issuer: is a duplicate"},
		{
			issuerWith() + ", " + issuerWith("issuer", "'https://idp.example/realm'"),
			"auth.jwt[1].name: is a duplicate: the callers of two issuers would have the same names",
		},
		{"idp", "auth.jwt[0]: must be a mapping"},
	} {
		t.Run(tc.issuer, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, problemsOf(t, "auth: {jwt: ["+tc.issuer+"]}"), tc.want)
		})
	}
	require.Contains(t, problemsOf(t, `auth: {jwt: `+issuerWith()+`}`), "auth.jwt: must be a list")
}

func TestValidIssuers(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{
		issuerWith(),
		issuerWith("jwksURL", "'http://localhost/jwks'"),
		issuerWith("jwksURL", "'http://[::1]:8080/jwks'"),
		issuerWith("jwksURL", "'http://idp.example/jwks'", "allowPlaintextCredential", "true"),
		issuerWith("jwksURL", "", "discovery", "true"),
		issuerWith("issuer", "urn:idp", "name", "idp"),
		issuerWith("claims", "{template: '{role}', namespace: default}"),
		issuerWith("credential", "passthrough"),
	} {
		_, err := load(t, "auth: {jwt: ["+issuer+"]}")
		require.NoError(t, err, issuer)
	}
	cfg, err := load(t, "auth: {jwt: ["+issuerWith("issuer", "'https://idp.example:8443/realm/'")+"]}")
	require.NoError(t, err)
	require.Equal(t, "idp.example", cfg.Auth.JWT[0].Name)
}

func TestInvalidIdentitySettings(t *testing.T) {
	t.Parallel()
	const certificate = "{name: a, dns: a.example}"
	withCertificate := func(members string) string { return `auth: {certificates: [{dns: a.example, ` + members + `}]}` }
	for yaml, want := range map[string]string{
		``: "auth: no authentication configured: set auth.apiKeys.file, auth.jwt or auth.certificates, or auth.insecureAnonymous to serve all callers",
		`auth: {insecureAnonymous: true, jwt: [` + issuerWith() + `]}`:                              "auth.insecureAnonymous: cannot be combined with auth.jwt",
		`auth: {insecureAnonymous: true, certificates: [` + certificate + `]}`:                      "auth.insecureAnonymous: cannot be combined with auth.certificates",
		`auth: {failureLimit: {perSecond: 1000001}}`:                                                "auth.failureLimit.perSecond: must be above 0 and at most 1000000",
		`auth: {certificates: [` + certificate + `]}`:                                               "auth.certificates: requires listen.tls.clientCAFile",
		withCertificate(`grants: []`):                                                               "auth.certificates[0].name: must be 1 to 64 letters, digits, '-', '.' and '_'",
		withCertificate(`name: 'a:b'`):                                                              "auth.certificates[0].name: must be 1 to 64 letters, digits, '-', '.' and '_'",
		`auth: {certificates: [{name: a}]}`:                                                         "auth.certificates[0]: must contain a uri, dns, email or commonName",
		`auth: {certificates: [` + certificate + `, {name: a, commonName: b}]}`:                     "auth.certificates[1].name: is a duplicate",
		withCertificate(`name: a, grants: [{namespace: b, role: Read}]`):                            "auth.certificates[0].grants[0].role: must be one of read, write, admin",
		withCertificate(`name: a, grants: [{role: read}]`):                                          "auth.certificates[0].grants[0].namespace: must be a namespace, or a prefix followed by *",
		withCertificate(`name: a, grants: [{namespace: 'a*b', role: read}]`):                        "auth.certificates[0].grants[0].namespace: must be a namespace, or a prefix followed by *",
		withCertificate(`name: a, grant: []`):                                                       "auth.certificates[0].grant: unknown field",
		`listen: {tls: {keyFile: flowgate.yaml}}`:                                                   "listen.tls.certFile: is required with listen.tls.keyFile",
		`listen: {tls: {certFile: flowgate.yaml}}`:                                                  "listen.tls.keyFile: is required with listen.tls.certFile",
		`listen: {tls: {certFile: absent, keyFile: absent}}`:                                        "listen.tls.certFile: absent cannot be read: no such file or directory",
		`listen: {tls: {certFile: flowgate.yaml, keyFile: flowgate.yaml}}`:                          "listen.tls.certFile: flowgate.yaml and flowgate.yaml cannot be parsed or do not match",
		`listen: {tls: {clientCAFile: flowgate.yaml}}`:                                              "listen.tls.clientCAFile: requires listen.tls.certFile",
		`listen: {tls: {certFile: a, keyFile: b, clientCAFile: flowgate.yaml}}`:                     "listen.tls.clientCAFile: flowgate.yaml contains no PEM certificate",
		`tokens: {maxTTL: 0s}`:                                                                      "tokens.maxTTL: must be from 1s to 168h",
		`tokens: {maxTTL: 169h}`:                                                                    "tokens.maxTTL: must be from 1s to 168h",
		`upstream: {credential: {mode: magic}}`:                                                     "upstream.credential.mode: must be one of none, static, passthrough, mint",
		`upstream: {credential: {mode: passthrough, file: a}}`:                                      "upstream.credential.file: requires upstream.credential.mode: static",
		`upstream: {credential: {mint: {keyFile: absent}}}`:                                         "upstream.credential.mint.keyFile: absent cannot be read: no such file or directory",
		`upstream: {credential: {mint: {keyFile: a, algorithm: HS256}}}`:                            "upstream.credential.mint.algorithm: must be one of ES256, RS256",
		`upstream: {credential: {mint: {keyFile: a, issuer: ""}}}`:                                  "upstream.credential.mint.issuer: is missing",
		`upstream: {credential: {mint: {keyFile: a, ttl: 9s}}}`:                                     "upstream.credential.mint.ttl: must be from 10s to 1h",
		`upstream: {credential: {mint: {keyFile: a, ttl: 61m}}}`:                                    "upstream.credential.mint.ttl: must be from 10s to 1h",
		`upstream: {credential: {mint: {keyFile: a, publishAhead: -1s}}}`:                           "upstream.credential.mint.publishAhead: must not be negative",
		`namespaces: {a: {credential: {mode: mint}}}`:                                               "upstream.credential.mint.keyFile: is required with mode mint",
		`namespaces: {a: {credential: {mode: magic}}}`:                                              "namespaces.a.credential.mode: must be one of none, static, passthrough, mint",
		`namespaces: {a: {credential: {mode: static}}}`:                                             "namespaces.a.credential.file: is required with mode static",
		`namespaces: {a: {credential: {file: a}}}`:                                                  "namespaces.a.credential.file: requires namespaces.a.credential.mode: static",
		`namespaces: {a: {credential: {mode: static, file: absent}}}`:                               "namespaces.a.credential.file: the file cannot be read: no such file or directory",
		`namespaces: {a: {upstream: {tls: {enabled: true}}}}`:                                       "namespaces.a.upstream.tls: requires namespaces.a.upstream.address",
		`namespaces: {a: {upstream: {address: b}}}`:                                                 "namespaces.a.upstream.address: must be host:port",
		`namespaces: {a: {upstream: {address: "b:1", tls: {caFile: a}}}}`:                           "namespaces.a.upstream.tls.caFile: requires namespaces.a.upstream.tls.enabled: true",
		`namespaces: {a: {upstream: {address: "b:1", tls: {enabled: x}}}}`:                          "namespaces.a.upstream.tls.enabled: must be true or false",
		`namespaces: {a: {upstream: {address: "b:1", port: 1}}}`:                                    "namespaces.a.upstream.port: unknown field",
		`namespaces: {a: {upstream: {address: "b:1"}, credential: {mode: mint}}}`:                   "namespaces.a.credential: " + plaintextUpstreamProblem,
		`{upstream: {address: "b:1", credential: {mode: passthrough}}}`:                             "upstream.credential: " + plaintextUpstreamProblem,
		`{upstream: {address: "b:1"}, auth: {jwt: [` + passthroughIssuer + `]}}`:                    "auth.jwt[0].credential: " + plaintextUpstreamProblem,
		`{upstream: {address: "b:1", credential: {mint: {keyFile: a}}}}`:                            "upstream.credential.mint.keyFile: " + plaintextUpstreamProblem,
		`{namespaces: {a: {upstream: {address: "b:1"}}}, auth: {jwt: [` + passthroughIssuer + `]}}`: "auth.jwt[0].credential: " + plaintextUpstreamProblem,
	} {
		t.Run(yaml, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, problemsOf(t, yaml), want)
		})
	}
}

const (
	plaintextUpstreamProblem = "would be sent without TLS to another host: set upstream.tls.enabled, or upstream.credential.allowPlaintextCredential to accept that"
	passthroughIssuer        = "{issuer: 'https://idp.example', audience: [flowgate], jwksURL: 'https://idp.example/jwks', credential: passthrough}"
)

func TestCredentialRequiresTLSOrLoopbackOrPermission(t *testing.T) {
	t.Parallel()
	for _, upstream := range []string{
		`{address: "b:1", tls: {enabled: true}}`, `{address: "localhost:1"}`, `{address: "b:1", credential: {allowPlaintextCredential: true}}`,
	} {
		_, err := load(t, `{upstream: `+upstream+`, auth: {jwt: [`+passthroughIssuer+`]}}`)
		require.NoError(t, err, upstream)
	}
	cfg := config.Default()
	require.Empty(t, cfg.Upstream.PlaintextCredentialProblem())
}
