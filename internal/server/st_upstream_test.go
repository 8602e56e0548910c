package server_test

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

// requestOf decodes a call's request.
func requestOf(t *testing.T, call upstreamtest.Call) protoreflect.Message {
	t.Helper()
	service := workflowservice.File_temporal_api_workflowservice_v1_service_proto.Services().ByName("WorkflowService")
	method := service.Methods().ByName(protoreflect.Name(call.Method))
	require.NotNil(t, method, call.Method)
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	require.NoError(t, err)
	request := messageType.New()
	require.NoError(t, proto.Unmarshal(call.Request, request.Interface()))
	return request
}

// namespaceOf is the namespace of a call's request.
func namespaceOf(t *testing.T, call upstreamtest.Call) string {
	t.Helper()
	request := requestOf(t, call)
	return request.Get(request.Descriptor().Fields().ByName("namespace")).String()
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
