package operation

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/request"
)

// keyedRequest has the values from which the request id of a request with an
// Idempotency-Key is derived. Token is the digest of a delegated token.
type keyedRequest struct{ principal, token, namespace, operation, key, body string }

func (k keyedRequest) requestID(t *testing.T, target ...string) string {
	t.Helper()
	req := &Request{
		Spec:     &Spec{Name: k.operation, Namespace: k.namespace},
		HTTP:     &http.Request{Header: header("Idempotency-Key", k.key)},
		Admitted: &request.Admitted{Principal: &auth.Principal{Name: k.principal, TokenDigest: k.token}}, bodyDigest: digestBody(jsontext.Value(k.body)),
	}
	id, err := req.requestID(target...)
	require.NoError(t, err)
	return id
}

func TestTheRequestIDDependsOnTheKeyItsScopeAndTheBody(t *testing.T) {
	t.Parallel()
	base := keyedRequest{"dev", "", "default", "signalWorkflow", "k", `{"signal":"go"}`}
	first := base.requestID(t, "w", "", "go")
	require.Regexp(t, `^[0-9a-f]{32}-[0-9a-f]{32}$`, first)
	require.Equal(t, first, base.requestID(t, "w", "", "go"))
	seen := map[string]bool{first: true}
	requireOtherScope := func(id string) {
		require.False(t, seen[id])
		seen[id] = true
		require.False(t, isReusedKey(id, first), "the key is not the same, because its scope differs")
	}
	for _, k := range []keyedRequest{
		{"read", "", "default", "signalWorkflow", "k", base.body},
		{"dev", "d1", "default", "signalWorkflow", "k", base.body},
		{"dev", "d2", "default", "signalWorkflow", "k", base.body},
		{"dev", "", "other", "signalWorkflow", "k", base.body},
		{"dev", "", "default", "cancelWorkflow", "k", base.body},
		{"dev", "", "default", "signalWorkflow", "l", base.body},
		{"de", "v", "default", "signalWorkflow", "k", base.body},
		{"de", "", "vdefault", "signalWorkflow", "k", base.body},
	} {
		requireOtherScope(k.requestID(t, "w", "", "go"))
	}
	requireOtherScope(base.requestID(t, "x", "", "go"))
	requireOtherScope(base.requestID(t, "w", "r", "go"))
	requireOtherScope(base.requestID(t, "w", "", "stop"))
	requireOtherScope(base.requestID(t, "w", "go"))
	base.body = `{"signal":"go","args":[1]}`
	require.True(t, isReusedKey(base.requestID(t, "w", "", "go"), first))
	require.False(t, isReusedKey(first, first))
}

func TestWithoutAnIdempotencyKeyTheRequestIDIsRandom(t *testing.T) {
	t.Parallel()
	req := &Request{HTTP: &http.Request{Header: header()}}
	first, err := req.requestID("w")
	require.NoError(t, err)
	second, err := req.requestID("w")
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	for _, key := range []string{"", strings.Repeat("k", 256)} {
		req.HTTP.Header = header("Idempotency-Key", key)
		_, err := req.requestID("w")
		require.Error(t, err)
	}
}

func TestEquivalentBodiesHaveTheSameDigest(t *testing.T) {
	t.Parallel()
	same := func(a, b string) bool {
		return string(digestBody(jsontext.Value(a))) == string(digestBody(jsontext.Value(b)))
	}
	for _, pair := range [][2]string{
		{`{"a":1,"b":[{"c":2,"d":3}]}`, " { \"b\" : [ {\"d\":3, \n\"c\":2} ] ,\t\"a\":1 } "},
		{`{"a":"\u00e9\/"}`, `{"a":"é/"}`},
		{``, `{ }`},
	} {
		require.True(t, same(pair[0], pair[1]), pair)
	}
	for _, pair := range [][2]string{
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`},
		{`{"a":1}`, `{"a":1.0}`},
		{`{"a":1}`, `{"a":"1"}`},
		{`{"a":[1,2]}`, `{"a":[2,1]}`},
		{`{"a":null}`, `{}`},
		{`{"a":{"b":1},"c":{}}`, `{"a":{},"c":{"b":1}}`},
		{`{"a":"1,\"b\":2"}`, `{"a":"1","b":2}`},
	} {
		require.False(t, same(pair[0], pair[1]), pair)
	}
}

func TestTheDigestOfALargeBodyDependsOnTheOrderOfItsMembers(t *testing.T) {
	t.Parallel()
	for size, same := range map[int]bool{maxSortedBytes: true, maxSortedBytes + 1: false} {
		padding := strings.Repeat("p", size-len(`{"a":"","b":2}`))
		first := digestBody(jsontext.Value(`{"a":"` + padding + `","b":2}`))
		require.Equal(t, same, string(first) == string(digestBody(jsontext.Value(`{"b":2,"a":"`+padding+`"}`))), size)
		require.Equal(t, first, digestBody(jsontext.Value(`{"a":"`+padding+`", "b":2}`)), "white space has no effect")
	}
}

// Brackets in strings do not count.
func TestTheDigestOfADeepBodyDependsOnTheOrderOfItsMembers(t *testing.T) {
	t.Parallel()
	for depth, same := range map[int]bool{maxSortedDepth: true, maxSortedDepth + 1: false} {
		deep := strings.Repeat(`[`, depth-1) + `"[\"[{"` + strings.Repeat(`]`, depth-1)
		first := digestBody(jsontext.Value(`{"a":` + deep + `,"b":2}`))
		require.Equal(t, same, string(first) == string(digestBody(jsontext.Value(`{"b":2,"a":`+deep+`}`))), depth)
		require.Equal(t, first, digestBody(jsontext.Value(`{"a":`+deep+`, "b":2}`)), "white space has no effect")
	}
}

// A run may have request ids that the gateway did not derive from a key, such as UUIDs.
func TestARequestIDInAnotherFormatIsNotAReusedKey(t *testing.T) {
	t.Parallel()
	own := keyedRequest{"dev", "", "default", "startWorkflow", "k", `{}`}.requestID(t, "w")
	infos := map[string]*workflow.RequestIdInfo{"": {}, "0198f3c2-5f0e-8c3a-9d52-3f1f7a2b6c01": {}, own[:32]: {}, own: {}}
	require.False(t, hasReusedKey(&workflow.WorkflowExecutionExtendedInfo{RequestIdInfos: infos}, own))
	require.False(t, hasReusedKey(nil, own))
	infos[own[:33]+strings.Repeat("0", 32)] = &workflow.RequestIdInfo{}
	require.True(t, hasReusedKey(&workflow.WorkflowExecutionExtendedInfo{RequestIdInfos: infos}, own))
	require.False(t, isReusedKey("0198f3c2-5f0e-8c3a-9d52-3f1f7a2b6c01", "0198f3c2-0000-4c3a-9d52-3f1f7a2b6c01"), "random ids have no key")
}
