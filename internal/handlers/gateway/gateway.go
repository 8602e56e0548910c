package gateway

import (
	"cmp"
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// GetClient returns the settings in force for this caller and namespace, as the config,
// identity and namespace of the SDKs' Client do.
func (s *Service) GetClient(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "getClient", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeNamespace_FullMethodName, AnyGrant: true,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		_ context.Context, req *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		return operation.OK(openapi.Client{
			Namespace: namespace, Identity: req.Identity(), Principal: req.Principal.Name,
			Role: req.Principal.RoleOn(namespace).String(), Operations: req.Principal.OperationsOn(namespace).Names(),
			CredentialMode: s.upstream.CredentialMode(req.Principal, namespace),
			Limits:         s.limits, Retry: s.retry,
			MetadataKeys:         req.AllowedMetadata().Names(),
			QueryRejectCondition: cmp.Or(s.options.RejectConditions[namespace], string(openapi.QueryRejectConditionNone)),
		}), nil
	})
}

// GetSystemInfo returns the versions of the gateway and of the server.
func (s *Service) GetSystemInfo(w http.ResponseWriter, r *http.Request) {
	spec := operation.Spec{Name: "getSystemInfo", Method: workflowservice.WorkflowService_GetSystemInfo_FullMethodName}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		response := &workflowservice.GetSystemInfoResponse{}
		err := s.upstream.Do(ctx, spec.Method, &workflowservice.GetSystemInfoRequest{}, response)
		if err != nil {
			return nil, err
		}
		return operation.OK(openapi.SystemInfo{
			Gateway: openapi.GatewayInfo{Version: s.options.Version},
			Server: openapi.ServerInfo{
				Version: response.GetServerVersion(), Capabilities: capabilities(response.GetCapabilities()),
			},
		}), nil
	})
}

// capabilities returns every capability that the gateway's version of Temporal's API
// declares, false ones too. An absent one is newer than the gateway.
func capabilities(c *workflowservice.GetSystemInfoResponse_Capabilities) map[string]bool {
	declared := map[string]bool{}
	message := c.ProtoReflect()
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); field.Kind() == protoreflect.BoolKind {
			declared[field.JSONName()] = message.Get(field).Bool()
		}
	}
	return declared
}
