package servertest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// DecodeRequest decodes the request message of an upstream call to WorkflowService.
func DecodeRequest(t *testing.T, call upstreamtest.Call) protoreflect.Message {
	t.Helper()
	service := workflowservice.File_temporal_api_workflowservice_v1_service_proto.Services().ByName("WorkflowService")
	method := service.Methods().ByName(protoreflect.Name(call.Method))
	require.NotNil(t, method, call.Method)
	return decode(t, method.Input().FullName(), call.Request)
}

func decode(t testing.TB, name protoreflect.FullName, wire []byte) protoreflect.Message {
	t.Helper()
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(name)
	require.NoError(t, err)
	message := messageType.New()
	require.NoError(t, proto.Unmarshal(wire, message.Interface()))
	return message
}

// NamespaceOf returns the namespace in the request message of an upstream call to WorkflowService.
func NamespaceOf(t *testing.T, call upstreamtest.Call) string {
	t.Helper()
	return FieldString(DecodeRequest(t, call), "namespace")
}

// FieldString returns the value of a field as text. path names the field, such as "execution.workflow_id". FieldText
// returns an empty string if there is no such field.
func FieldString(m protoreflect.Message, path string) string {
	name, rest, more := strings.Cut(path, ".")
	field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil {
		return ""
	}
	if more {
		return FieldString(m.Get(field).Message(), rest)
	}
	return m.Get(field).String()
}
