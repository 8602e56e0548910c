package servertest

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

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// Binding is one google.api.http rule of an RPC of WorkflowService or OperatorService.
type Binding struct {
	Method     protoreflect.MethodDescriptor
	HTTPMethod string   // the HTTP method
	Pattern    string   // the path, such as "/namespaces/{namespace}"
	Variables  []string // the names of the variables in Pattern
	hasBody    bool
}

// PathVariable matches a variable in a pattern.
var PathVariable = regexp.MustCompile(`\{([^}]+)\}`)

// Bindings returns all rules of both services, including additional bindings. It reads the descriptors itself, so that
// tests do not depend on the code under test.
func Bindings(t testing.TB) []Binding {
	t.Helper()
	var all []Binding
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
				b := Binding{Method: methods.Get(i), hasBody: rule.GetBody() == "*"}
				for verb, pattern := range map[string]string{
					http.MethodGet: rule.GetGet(), http.MethodPost: rule.GetPost(), http.MethodPut: rule.GetPut(),
					http.MethodPatch: rule.GetPatch(), http.MethodDelete: rule.GetDelete(),
				} {
					if pattern != "" {
						b.HTTPMethod, b.Pattern = verb, pattern
					}
				}
				for _, match := range PathVariable.FindAllStringSubmatch(b.Pattern, -1) {
					b.Variables = append(b.Variables, match[1])
				}
				all = append(all, b)
			}
		}
	}
	require.Greater(t, len(all), 150)
	return all
}

// FullMethod returns the full name of the method, such as "/package.Service/Method".
func (b Binding) FullMethod() string {
	return "/" + string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name())
}

// Access returns the entry of the access table for the method.
func (b Binding) Access(t testing.TB) auth.Access {
	t.Helper()
	access, ok := auth.AccessOf(b.FullMethod())
	require.True(t, ok, b.FullMethod())
	return access
}

// PathValue returns the value that [Binding.Path] uses for a variable: namespace for the variable "namespace", and a
// text that must be percent-encoded for any other.
func PathValue(variable, namespace string) string {
	if variable == "namespace" {
		return namespace
	}
	return "the " + variable + "/ä%2F+"
}

// Path returns the pattern with each variable replaced by its escaped [PathValue].
func (b Binding) Path(namespace string) string {
	return PathVariable.ReplaceAllStringFunc(b.Pattern, func(variable string) string {
		return url.PathEscape(PathValue(strings.Trim(variable, "{}"), namespace))
	})
}

// Body returns a minimal request body, which contains the namespace if the path does not. The body is empty if the rule
// has none.
func (b Binding) Body(namespace string) string {
	switch {
	case !b.hasBody:
		return ""
	case b.Method.Input().Fields().ByName("namespace") != nil && !strings.Contains(b.Pattern, "{namespace}"):
		return `{"namespace":"` + namespace + `"}`
	default:
		return `{}`
	}
}

// Request decodes the request message of an upstream call to the method.
func (b Binding) Request(t testing.TB, call upstreamtest.Call) protoreflect.Message {
	t.Helper()
	return decode(t, b.Method.Input().FullName(), call.Request)
}

// RPCStatus is the body of an error response of the Temporal HTTP API: google.rpc.Status in JSON.
type RPCStatus struct {
	Code    int32            `json:"code"`
	Message string           `json:"message"`
	Details []map[string]any `json:"details"`
}

// RequireRPCError requires that a response is an error of the Temporal HTTP API with the given HTTP status and gRPC code,
// and returns the decoded body.
func RequireRPCError(t testing.TB, r Response, status int, code codes.Code) RPCStatus {
	t.Helper()
	require.Equal(t, status, r.Status, r.Body)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	require.NotEmpty(t, r.Header.Get("X-Request-Id"))
	var s RPCStatus
	require.NoError(t, json.Unmarshal([]byte(r.Body), &s, json.RejectUnknownMembers(true)), r.Body)
	require.Equal(t, code, codes.Code(s.Code), r.Body) //nolint:gosec // a gRPC code
	require.NotEmpty(t, s.Message)
	return s
}
