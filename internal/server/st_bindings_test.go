package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

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
