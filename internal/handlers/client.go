package handlers

import (
	"cmp"
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// GetClient is the SDK's config, identity and namespace: the settings in force
// for this caller and namespace.
func (a *API) GetClient(w http.ResponseWriter, r *http.Request, namespace string) {
	op := operation{
		name: "getClient", namespace: namespace,
		method: workflowservice.WorkflowService_DescribeNamespace_FullMethodName, // any caller that may read the namespace
	}
	serve(a, w, r, op, func(_ context.Context, c *operationRequest, _ *noParams, _ *noBody) (*response, error) {
		return okResponse(openapi.Client{
			Namespace: namespace, Identity: c.identity(), Principal: c.Principal.Name,
			Role: c.Principal.RoleOn(namespace).String(), CredentialMode: a.options.Upstream.CredentialMode(c.Principal, namespace),
			Limits: a.options.Settings.Limits, Retry: a.options.Settings.Retry,
			MetadataKeys:         c.AllowedMetadata().Names(),
			QueryRejectCondition: cmp.Or(a.options.QueryRejectConditions[namespace], string(openapi.QueryRejectConditionNone)),
		}), nil
	})
}

// GetSystemInfo returns the versions of the gateway and of the server.
func (a *API) GetSystemInfo(w http.ResponseWriter, r *http.Request) {
	op := operation{name: "getSystemInfo", method: workflowservice.WorkflowService_GetSystemInfo_FullMethodName}
	serve(a, w, r, op, func(ctx context.Context, _ *operationRequest, _ *noParams, _ *noBody) (*response, error) {
		response := &workflowservice.GetSystemInfoResponse{}
		err := a.options.Upstream.Do(ctx, op.method, &workflowservice.GetSystemInfoRequest{}, response)
		if err != nil {
			return nil, err
		}
		return okResponse(openapi.SystemInfo{
			Gateway: openapi.GatewayInfo{Version: a.options.Version},
			Server: openapi.ServerInfo{
				Version: response.GetServerVersion(), Capabilities: capabilities(response.GetCapabilities()),
			},
		}), nil
	})
}

// capabilities lists all that the linked API declares, so that a false differs
// from a capability that is newer than the gateway.
func capabilities(c *workflowservice.GetSystemInfoResponse_Capabilities) map[string]bool {
	shown := map[string]bool{}
	message := c.ProtoReflect()
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); field.Kind() == protoreflect.BoolKind {
			shown[field.JSONName()] = message.Get(field).Bool()
		}
	}
	return shown
}
