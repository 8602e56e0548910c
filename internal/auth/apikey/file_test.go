package apikey_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/auth/authtest"
)

func TestEveryFieldOfAKeyIsRead(t *testing.T) {
	t.Parallel()
	keys := authtest.OpenKeys(t, `
keys:
  - id: dev
    secrets: [{sha256: "`+authtest.HashOf(authtest.SecretA)+`", notAfter: 2027-01-01T00:00:00Z}]
    disabled: false
    grants: [{namespace: default, role: write}, {namespace: "team-*", role: admin}]
    metadata: {team: blue, number: 007, raw-bin: "AP8="}
    callerMetadata: [x-tenant]
    share: 0.25
    rate: {perSecond: 2.5}
    workflowTypes: [Order, Refund]
    taskQueues: [orders]
    nexusEndpoints: [payments]
    completionCallbacks: true
    overrideAuthorization: true
`, apikey.Options{Now: clockAt("2026-01-01T00:00:00Z")})
	principal, err := authtest.Authenticate(newAuthenticator(keys), http.Header{"X-Api-Key": {"fg_dev_" + authtest.SecretA}})
	require.NoError(t, err)
	require.Equal(t, &auth.Principal{
		Name:           "dev",
		Grants:         []auth.Grant{{Namespace: "default", Role: auth.RoleWrite}, {Namespace: "team-*", Role: auth.RoleAdmin}},
		Metadata:       map[string]string{"team": "blue", "number": "007", "raw-bin": "\x00\xff"},
		CallerMetadata: []string{"x-tenant"},
		Share:          0.25,
		Rate:           auth.Rate{PerSecond: 2.5, Burst: 3}, // the default burst is the rate, rounded up
		WorkflowTypes:  []string{"Order", "Refund"}, TaskQueues: []string{"orders"}, NexusEndpoints: []string{"payments"},
		CompletionCallbacks:    true,
		OverridesAuthorization: true,
		Expires:                time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}, principal)
}

func TestKeysFileWithoutKeys(t *testing.T) {
	t.Parallel()
	authtest.OpenKeys(t, "keys: []")
}

func TestInvalidKeysFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"empty":           {"", "is empty"},
		"only a comment":  {"# later", "is empty"},
		"null":            {"---\n", ": must be a mapping"},
		"a list":          {"[]", ": must be a mapping"},
		"no keys":         {"{}", "keys: is missing"},
		"null as keys":    {"keys:", "keys: must be a list"},
		"two documents":   {"keys: []\n---\nkeys: []", "more than one document"},
		"syntax":          {"keys: [", "file: line 1"},
		"unknown anchor":  {"keys: *" + authtest.SecretA, "is not valid YAML"},
		"unknown field":   {"keys: []\nkey: []", "key: unknown field"},
		"field twice":     {"keys: []\nkeys: []", "keys: duplicate key"},
		"string as key":   {"keys: [" + authtest.SecretA + "]", "keys[0]: must be a mapping"},
		"secret as field": {"keys: []\n" + authtest.SecretA + ": x", "(line 2): unknown field"},
		"null byte":       {"\x00", "is not valid YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apikey.Open(authtest.WriteFile(t, test.content), apikey.Options{})
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), authtest.Marker)
		})
	}
}

// keyWith returns a keys file with one valid key, in which one field has been added or replaced.
func keyWith(field, value string) string {
	fields := map[string]string{
		"id":      "dev",
		"secrets": "[{sha256: " + authtest.HashOf(authtest.SecretA) + "}]",
		"grants":  "[{namespace: default, role: write}]",
	}
	fields[field] = value
	var key strings.Builder
	for name, value := range fields {
		fmt.Fprintf(&key, "%s: %s,", name, value)
	}
	return "keys: [{" + key.String() + "}]"
}

func TestInvalidFields(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ field, value, want string }{
		{"id", "Dev", "keys[0].id: must be 1 to 32 of a-z, 0-9 and -"},
		{"id", "a_b", "keys[0].id: must be 1 to 32"},
		{"id", "''", "keys[0].id: must be 1 to 32"},
		{"id", strings.Repeat("a", 33), "keys[0].id: must be 1 to 32"},
		{"id", "null", "keys[0].id: must be a string"},
		{"id", "anonymous", "keys[0].id: is the name of callers without a key"},
		{"secrets", "[]", "keys[0].secrets: must have at least one"},
		{"secrets", authtest.SecretA, "keys[0].secrets: must be a list"},
		{"secrets", "[{}]", "keys[0].secrets[0].sha256: is missing"},
		{"secrets", "[{sha256: " + authtest.SecretA + "}]", "keys[0].secrets[0].sha256: must be the 64 hex digits of a SHA-256"},
		{"secrets", "[{sha256: abcd}]", "keys[0].secrets[0].sha256: must be the 64 hex digits"},
		{"secrets", "[{secret: " + authtest.SecretA + "}]", "keys[0].secrets[0].secret: unknown field"},
		{"secrets", "[{sha256: " + authtest.HashOf(authtest.SecretA) + ", notAfter: 2027-01-01}]", "keys[0].secrets[0].notAfter: must be a time"},
		{"secrets", "[{sha256: " + authtest.HashOf(authtest.SecretA) + ", notAfter: }]", "keys[0].secrets[0].notAfter: must be a string"},
		{"secrets", "[{sha256: " + authtest.HashOf(authtest.SecretA) + ", notAfter: '0001-01-01T00:00:00Z'}]", "keys[0].secrets[0].notAfter: must be a time"},
		{"secrets", "[{sha256: " + authtest.HashOf(authtest.SecretA) + "}, {sha256: " + strings.ToUpper(authtest.HashOf(authtest.SecretA)) + "}]", "keys[0].secrets[1].sha256: is the same as keys[0].secrets[0].sha256"},
		{"disabled", "'yes'", "keys[0].disabled: must be true or false"},
		{"disabled", "", "keys[0].disabled: must be true or false"},
		{"grants", "{}", "keys[0].grants: must be a list"},
		{"grants", "[{role: read}]", "keys[0].grants[0].namespace: is missing"},
		{"grants", "[{namespace: default}]", "keys[0].grants[0]: must have either role or operations"},
		{"grants", "[{namespace: default, role: read, operations: [start]}]", "keys[0].grants[0]: must have either role or operations"},
		{"grants", "[{namespace: default, operations: []}]", "keys[0].grants[0].operations: must have at least one"},
		{"grants", "[{namespace: default, operations: [start, begin]}]", "keys[0].grants[0].operations[1]: must be one of start, signal, "},
		{"grants", "[{namespace: default, operations: start}]", "keys[0].grants[0].operations: "},
		{"grants", "[{namespace: default, role: owner}]", "keys[0].grants[0].role: must be one of read, write, admin"},
		{"grants", "[{namespace: '', role: read}]", "keys[0].grants[0].namespace: must be a namespace"},
		{"grants", "[{namespace: 'a*b', role: read}]", "keys[0].grants[0].namespace: must be a namespace"},
		{"grants", "[{namespace: '**', role: read}]", "keys[0].grants[0].namespace: must be a namespace"},
		{"grants", "[{namespace: 'a b', role: read}]", "keys[0].grants[0].namespace: must be a namespace"},
		{"metadata", "[]", "keys[0].metadata: must be a mapping"},
		{"metadata", "{authorization: x}", "keys[0].metadata.authorization: this key is reserved"},
		{"metadata", "{temporal-namespace: x}", "keys[0].metadata.temporal-namespace: this key is reserved"},
		{"metadata", "{grpc-timeout: x}", "keys[0].metadata.grpc-timeout: this key is reserved"},
		{"metadata", "{':authority': x}", "keys[0].metadata.:authority: pseudo headers are reserved"},
		{"metadata", "{X-Team: x}", "keys[0].metadata.X-Team: keys may contain"},
		{"metadata", "{team: 'a\u00e9'}", "keys[0].metadata.team: the value must be printable ASCII"},
		{"metadata", `{team: "a\nb"}`, "keys[0].metadata.team: the value must be printable ASCII"},
		{"metadata", "{team: a, team: b}", "keys[0].metadata.team: duplicate key"},
		{"metadata", "{raw-bin: '%'}", "keys[0].metadata.raw-bin: the value of a -bin key must be base64"},
		{"callerMetadata", "[authorization]", "keys[0].callerMetadata[0]: this key is reserved"},
		{"callerMetadata", "[x-a, 'x b']", "keys[0].callerMetadata[1]: keys may contain"},
		{"share", "0", "keys[0].share: must be above 0 and at most 1"},
		{"share", "1.5", "keys[0].share: must be above 0 and at most 1"},
		{"share", ".nan", "keys[0].share: must be above 0 and at most 1"},
		{"share", "half", "keys[0].share: must be above 0 and at most 1"},
		{"rates", "5", "keys[0].rates: unknown field"},
		{"rate", "5", "keys[0].rate: must be a mapping"},
		{"rate", "{burst: 5}", "keys[0].rate.perSecond: is missing"},
		{"rate", "{perSecond: 0}", "keys[0].rate.perSecond: must be from 0.001"},
		{"rate", "{perSecond: 1e-300}", "keys[0].rate.perSecond: must be from 0.001"},
		{"rate", "{perSecond: .inf}", "keys[0].rate.perSecond: must be from 0.001"},
		{"rate", "{perSecond: 1, burst: 0}", "keys[0].rate.burst: must be from 1"},
		{"workflowTypes", "[]", "keys[0].workflowTypes: must have at least one"},
		{"workflowTypes", "Echo", "keys[0].workflowTypes: must be a list"},
		{"workflowTypes", "[a, a]", "keys[0].workflowTypes[1]: must be a name that occurs once"},
		{"taskQueues", "['']", "keys[0].taskQueues[0]: must be a name"},
		{"nexusEndpoints", "[]", "keys[0].nexusEndpoints: must have at least one"},
		{"nexusEndpoints", "[a, a]", "keys[0].nexusEndpoints[1]: must be a name that occurs once"},
		{"completionCallbacks", "'true'", "keys[0].completionCallbacks: must be true or false"},
		{"completionCallbacks", "[]", "keys[0].completionCallbacks: must be true or false"},
		{"overrideAuthorization", "'true'", "keys[0].overrideAuthorization: must be true or false"},
	} {
		t.Run(test.field+" "+test.want, func(t *testing.T) {
			t.Parallel()
			_, err := apikey.Open(authtest.WriteFile(t, keyWith(test.field, test.value)), apikey.Options{})
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), authtest.Marker)
		})
	}
}

func TestAliasesAreChecked(t *testing.T) {
	t.Parallel()
	_, err := apikey.Open(authtest.WriteFile(t, "keys: [&a {id: dev, grants: [&g {role: root}]}, *a, {id: b, secrets: [], grants: [*g], credential: &c {file: x}},"+
		" {id: c, credential: *c}]"), apikey.Options{})
	for _, want := range []string{
		"keys[0].secrets: is missing",
		"keys[1].id: is the same as keys[0].id",
		"keys[1].secrets: is missing",
		"keys[2].grants[0].namespace: is missing",
		"keys[2].credential.mode: is missing",
		"keys[3].credential.mode: is missing",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestAllProblemsAreReported(t *testing.T) {
	t.Parallel()
	_, err := apikey.Open(authtest.WriteFile(t, `
keys:
  - id: dev
    secrets: [{sha256: `+authtest.HashOf(authtest.SecretA)+`}]
  - id: dev
    secrets: [{sha256: `+authtest.HashOf(authtest.SecretA)+`}, {sha256: `+authtest.HashOf(authtest.SecretA)+`}, {sha256: xyz}]
    grants: [{namespace: default, role: root}]
  - {}
`), apikey.Options{})
	for _, want := range []string{
		"keys[1].id: is the same as keys[0].id",
		"keys[1].secrets[1].sha256: is the same as keys[1].secrets[0].sha256",
		"keys[1].secrets[2].sha256: must be the 64 hex digits of a SHA-256",
		"keys[1].grants[0].role: must be one of read, write, admin",
		"keys[2].id: is missing",
		"keys[2].secrets: is missing",
	} {
		require.ErrorContains(t, err, want)
	}
}

// FuzzKeysFile checks that Open returns either keys or an error.
func FuzzKeysFile(f *testing.F) {
	f.Add(authtest.KeysFile(authtest.SecretA))
	f.Add("keys: [{id: a, metadata: {<<: {x: y}}}]")
	f.Add("a: &a [*a]")
	f.Add("? [a]\n: b")
	f.Add("keys: [{id: a, credential: {mode: static, file: .}}]")
	f.Fuzz(func(t *testing.T, content string) {
		keys, err := apikey.Open(authtest.WriteFile(t, content), apikey.Options{})
		require.Equal(t, err == nil, keys != nil)
	})
}
