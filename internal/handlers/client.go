package handlers

import (
	"cmp"
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// GetClient is the SDK's config, identity and namespace: the settings in force
// for this caller and namespace.
func (a *API) GetClient(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "getClient", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeNamespace_FullMethodName, // any caller that may read the namespace
	}
	operation.Serve(a.adapter, w, r, spec, func(_ context.Context, req *operation.Request, _ *operation.None, _ *operation.None) (*operation.Response, error) {
		return operation.OK(openapi.Client{
			Namespace: namespace, Identity: req.Identity(), Principal: req.Principal.Name,
			Role: req.Principal.RoleOn(namespace).String(), CredentialMode: a.options.Upstream.CredentialMode(req.Principal, namespace),
			Limits: a.options.Settings.Limits, Retry: a.options.Settings.Retry,
			MetadataKeys:         req.AllowedMetadata().Names(),
			QueryRejectCondition: cmp.Or(a.options.QueryRejectConditions[namespace], string(openapi.QueryRejectConditionNone)),
		}), nil
	})
}

// GetSystemInfo returns the versions of the gateway and of the server.
func (a *API) GetSystemInfo(w http.ResponseWriter, r *http.Request) {
	spec := operation.Spec{Name: "getSystemInfo", Method: workflowservice.WorkflowService_GetSystemInfo_FullMethodName}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, _ *operation.Request, _ *operation.None, _ *operation.None) (*operation.Response, error) {
		response := &workflowservice.GetSystemInfoResponse{}
		err := a.options.Upstream.Do(ctx, spec.Method, &workflowservice.GetSystemInfoRequest{}, response)
		if err != nil {
			return nil, err
		}
		return operation.OK(openapi.SystemInfo{
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
