// Package envoy_test checks Envoy's configuration of this directory against Envoy's typed API.
package envoy_test

import (
	"encoding/json"
	"os"
	"testing"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	manager "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	// The types of typed_config in the configuration.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// load decodes the configuration strictly: an unknown field is an error.
func load(t *testing.T) *bootstrap.Bootstrap {
	t.Helper()
	text, err := os.ReadFile("envoy.yaml")
	require.NoError(t, err)
	var document any
	require.NoError(t, yaml.Unmarshal(text, &document))
	asJSON, err := json.Marshal(document)
	require.NoError(t, err)
	config := &bootstrap.Bootstrap{}
	require.NoError(t, protojson.Unmarshal(asJSON, config))
	return config
}

// validate calls the generated Validate of a message and of all messages in its typed_configs, and returns their number.
func validate(t *testing.T, message proto.Message) int {
	t.Helper()
	validator, ok := message.(interface{ ValidateAll() error })
	require.True(t, ok, "%T", message)
	require.NoError(t, validator.ValidateAll(), "%T", message)
	n := 1
	var visit func(protoreflect.Message)
	visit = func(m protoreflect.Message) {
		if packed, ok := m.Interface().(*anypb.Any); ok {
			inner, err := packed.UnmarshalNew()
			require.NoError(t, err)
			n += validate(t, inner)
			return
		}
		m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
			switch {
			case field.IsMap() && field.MapValue().Message() != nil:
				value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool { visit(v.Message()); return true })
			case field.IsList() && field.Message() != nil:
				for i := range value.List().Len() {
					visit(value.List().Get(i).Message())
				}
			case field.Message() != nil && !field.IsMap() && !field.IsList():
				visit(value.Message())
			}
			return true
		})
	}
	visit(message.ProtoReflect())
	return n
}

func TestTheConfigurationIsValid(t *testing.T) {
	t.Parallel()
	config := load(t)
	require.Greater(t, validate(t, config), 5, "the messages in typed_config are validated too")
	require.Len(t, config.GetStaticResources().GetClusters(), 2)
}

// Only under /v1, and not for updates, is a write with the status 503 safe to repeat unchanged.
func TestOnlyTheClientAPIRepeatsA503(t *testing.T) {
	t.Parallel()
	var prefixes, patterns []string
	for _, listener := range load(t).GetStaticResources().GetListeners() {
		for _, chain := range listener.GetFilterChains() {
			connections := &manager.HttpConnectionManager{}
			require.NoError(t, chain.GetFilters()[0].GetTypedConfig().UnmarshalTo(connections))
			for _, host := range connections.GetRouteConfig().GetVirtualHosts() {
				for _, r := range host.GetRoutes() {
					requireSafeRetries(t, r)
					prefixes = append(prefixes, r.GetMatch().GetPrefix())
					patterns = append(patterns, r.GetMatch().GetSafeRegex().GetRegex())
				}
			}
		}
	}
	require.Equal(t, []string{"/", "", "/v1/", "/"}, prefixes)
	require.Equal(t, []string{"", "/v1/.*(/updates|:updateWithStart)", "", ""}, patterns, "before /v1/, because the first match wins")
}

func requireSafeRetries(t *testing.T, r *route.Route) {
	t.Helper()
	policy := r.GetRoute().GetRetryPolicy()
	if r.GetMatch().GetPrefix() == "/v1/" {
		require.Equal(t, "connect-failure,refused-stream,retriable-status-codes", policy.GetRetryOn())
		require.Equal(t, []uint32{503}, policy.GetRetriableStatusCodes())
		return
	}
	require.Equal(t, "connect-failure,refused-stream", policy.GetRetryOn())
}
