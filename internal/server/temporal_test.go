package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// Keys for the Temporal HTTP API: one may do everything in the namespace default
// and in the cluster, one everything elsewhere and nothing here.
const (
	rootKey      = "fg_root_tttttttttttttttttttttttttttttttt"
	elsewhereKey = "fg_elsewhere_nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
)

// withTemporalKeys adds them to the keys file.
func withTemporalKeys(t testing.TB) func(*config.Config) {
	t.Helper()
	return func(cfg *config.Config) {
		text := ""
		for key, grants := range map[string]string{
			rootKey:      "{namespace: default, role: admin}, {namespace: temporal-system, role: admin}",
			elsewhereKey: `{namespace: elsewhere, role: admin}, {namespace: "default-*", role: admin}`,
		} {
			at := strings.LastIndexByte(key, '_')
			sum := sha256.Sum256([]byte(key[at+1:]))
			text += "  - {id: " + key[len("fg_"):at] + ", secrets: [{sha256: " + hex.EncodeToString(sum[:]) + "}], grants: [" + grants + "], callerMetadata: [x-own]}\n"
		}
		keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, append(keys, text...), 0o600))
	}
}

// binding is one rule of the linked API, read anew.
type binding struct {
	method    protoreflect.MethodDescriptor
	verb      string
	pattern   string
	variables []string
	body      bool
}

var pathVariable = regexp.MustCompile(`\{([^}]+)\}`)

// linkedBindings are all rules of the linked API.
func linkedBindings(t testing.TB) []binding {
	t.Helper()
	var all []binding
	for _, file := range []protoreflect.FileDescriptor{
		workflowservice.File_temporal_api_workflowservice_v1_service_proto, operatorservice.File_temporal_api_operatorservice_v1_service_proto,
	} {
		methods := file.Services().Get(0).Methods()
		for i := range methods.Len() {
			rule, _ := proto.GetExtension(methods.Get(i).Options(), annotations.E_Http).(*annotations.HttpRule)
			for _, rule := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
				if rule == nil {
					continue
				}
				b := binding{method: methods.Get(i), body: rule.GetBody() == "*"}
				for verb, pattern := range map[string]string{
					http.MethodGet: rule.GetGet(), http.MethodPost: rule.GetPost(), http.MethodPut: rule.GetPut(),
					http.MethodPatch: rule.GetPatch(), http.MethodDelete: rule.GetDelete(),
				} {
					if pattern != "" {
						b.verb, b.pattern = verb, pattern
					}
				}
				for _, match := range pathVariable.FindAllStringSubmatch(b.pattern, -1) {
					b.variables = append(b.variables, match[1])
				}
				all = append(all, b)
			}
		}
	}
	require.Greater(t, len(all), 150)
	return all
}

// full is the method's name as the access table has it.
func (b binding) full() string {
	return "/" + string(b.method.Parent().FullName()) + "/" + string(b.method.Name())
}

func (b binding) access(t testing.TB) auth.Access {
	t.Helper()
	access, ok := auth.AccessOf(b.full())
	require.True(t, ok, b.full())
	return access
}

// value is what a variable is in a test's requests.
func value(variable, namespace string) string {
	if variable == "namespace" {
		return namespace
	}
	return "the " + variable + "/ä%2F+"
}

// path fills the pattern.
func (b binding) path(namespace string) string {
	return pathVariable.ReplaceAllStringFunc(b.pattern, func(variable string) string {
		return url.PathEscape(value(strings.Trim(variable, "{}"), namespace))
	})
}

// message is a body in which a namespace stands that is not in the path.
func (b binding) message(namespace string) string {
	switch {
	case !b.body:
		return ""
	case b.method.Input().Fields().ByName("namespace") != nil && !strings.Contains(b.pattern, "{namespace}"):
		return `{"namespace":"` + namespace + `"}`
	default:
		return `{}`
	}
}

// request decodes the request of a call.
func (b binding) request(t testing.TB, call upstreamtest.Call) protoreflect.Message {
	t.Helper()
	of, err := protoregistry.GlobalTypes.FindMessageByName(b.method.Input().FullName())
	require.NoError(t, err)
	m := of.New()
	require.NoError(t, proto.Unmarshal(call.Request, m.Interface()))
	return m
}

// text gives a field by its path.
func text(m protoreflect.Message, path string) string {
	name, rest, more := strings.Cut(path, ".")
	field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil {
		return ""
	}
	if more {
		return text(m.Get(field).Message(), rest)
	}
	return m.Get(field).String()
}

// rpcStatus is google.rpc.Status in JSON.
type rpcStatus struct {
	Code    int32            `json:"code"`
	Message string           `json:"message"`
	Details []map[string]any `json:"details"`
}

// requireStatus holds an answer to the form of the door's errors.
func requireStatus(t testing.TB, a answered, status int, code codes.Code) rpcStatus {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.NotEmpty(t, a.header.Get("X-Request-Id"))
	var s rpcStatus
	require.NoError(t, json.Unmarshal([]byte(a.body), &s, json.RejectUnknownMembers(true)), a.body)
	require.Equal(t, code, codes.Code(s.Code), a.body) //nolint:gosec // a code
	require.NotEmpty(t, s.Message)
	return s
}

// inTemporal runs a test against a gateway with the keys, whose upstream answers
// every bound method with an empty message.
func inTemporal(t *testing.T, configure func(*config.Config), test func(t *testing.T, g *gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: func(cfg *config.Config) {
			withTemporalKeys(t)(cfg)
			if configure != nil {
				configure(cfg)
			}
		}})
		synctest.Wait() // past the health watch's first call
		for _, b := range linkedBindings(t) {
			if b.method.Name() != "GetSystemInfo" {
				g.upstream.Handle(string(b.method.Name()), upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{}))
			}
		}
		test(t, g)
	})
}

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

func TestEveryRuleLeadsToItsRPC(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		prefixes := map[bool]int{}
		for _, b := range linkedBindings(t) {
			before := len(g.upstream.Calls(string(b.method.Name())))
			a := g.do(t, b.verb, b.path("default"), b.message("default"), bearer(rootKey)...)
			require.Equal(t, http.StatusOK, a.status, "%s %s: %s", b.verb, b.pattern, a.body)
			require.Equal(t, "application/json", a.header.Get("Content-Type"))
			calls := g.upstream.Calls(string(b.method.Name()))
			require.Len(t, calls, before+1, b.pattern)
			request := b.request(t, calls[before])
			require.Empty(t, request.GetUnknown())
			for _, variable := range b.variables {
				require.Equal(t, value(variable, "default"), text(request, variable), b.pattern)
			}
			if b.access(t).Scope == auth.ScopeNamespace {
				require.Equal(t, "default", text(request, "namespace"), b.pattern)
				require.Equal(t, []string{"default"}, calls[before].Metadata.Get("temporal-namespace"), b.pattern)
			}
			if b.method.Input().Fields().ByName("identity") != nil {
				require.Equal(t, "root", text(request, "identity"), b.pattern)
			}
			prefixes[strings.HasPrefix(b.pattern, "/api/v1/")]++
		}
		require.Equal(t, prefixes[true], prefixes[false], "each is there with the prefix and without")
		t.Logf("%d rules", prefixes[true]+prefixes[false])
	})
}

func TestIdentityIsTheKeysWhateverTheCallerSays(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		g.do(t, http.MethodPost, "/namespaces/default/workflows/w/signal/s", `{"identity":"somebody"}`)
		g.do(t, http.MethodDelete, "/namespaces/default/schedules/s?identity=somebody", "")
		for _, method := range []string{"SignalWorkflowExecution", "DeleteSchedule"} {
			calls := g.upstream.Calls(method)
			require.Len(t, calls, 1)
			require.Equal(t, "writer", text(requestOf(t, calls[0]), "identity"), method)
		}
	})
}

func TestTheNearestRuleWins(t *testing.T) {
	t.Parallel()
	inTemporal(t, nil, func(t *testing.T, g *gateway) {
		for path, method := range map[string]string{
			"/namespaces/default/workflows/w/history":         "GetWorkflowExecutionHistory",
			"/namespaces/default/workflows/w/history-reverse": "GetWorkflowExecutionHistoryReverse",
			"/namespaces/default/workflows/history":           "DescribeWorkflowExecution",
			"/api/v1/namespaces/default/workflows":            "ListWorkflowExecutions",
			"/api/v1/namespaces/default":                      "DescribeNamespace",
			"/cluster/namespaces/default":                     "DescribeNamespace",
			"/namespaces/default/workflows/w%2Fhistory":       "DescribeWorkflowExecution", // which is an id
		} {
			before := len(g.upstream.Calls(method))
			require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, path, "").status, path)
			require.Len(t, g.upstream.Calls(method), before+1, path)
		}
	})
}
