package namespace

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListNamespaces returns a page of the namespaces of the default server as JSON, or all
// of them as NDJSON.
func (s *Service) ListNamespaces(w http.ResponseWriter, r *http.Request) {
	spec := operation.Spec{
		Name: "listNamespaces", MediaTypes: []string{operation.JSON, operation.NDJSON},
		Method: workflowservice.WorkflowService_ListNamespaces_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.ListNamespacesParams, _ *operation.None,
	) (*operation.Response, error) {
		list, err := req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, "")
		if err != nil {
			return nil, err
		}
		list.View, list.LineView = s.views.list, s.views.description
		list.Split = operation.SplitList
		list.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			return s.upstream.Call(ctx, spec.Method, &workflowservice.ListNamespacesRequest{NextPageToken: token, PageSize: size})
		}
		return list.Respond(ctx)
	})
}

// RegisterNamespace registers the namespace that the body names.
func (s *Service) RegisterNamespace(w http.ResponseWriter, r *http.Request) {
	spec := operation.Spec{
		Name: "registerNamespace", NamespaceInBody: true, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_RegisterNamespace_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.RegisterNamespaceRequest,
	) (*operation.Response, error) {
		request, err := registerRequest(body)
		if err != nil {
			return nil, err
		}
		req.SetNamespace(ctx, body.Name)
		if err := s.upstream.Do(ctx, spec.Method, request, &workflowservice.RegisterNamespaceResponse{}); err != nil {
			return nil, err
		}
		return operation.Created(openapi.RegisteredNamespace{Name: body.Name}, convert.NamespacePath(body.Name)), nil
	})
}

// DescribeNamespace returns the settings of a namespace.
func (s *Service) DescribeNamespace(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "describeNamespace", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeNamespace_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		received, err := s.upstream.Call(ctx, spec.Method, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		if err != nil {
			return nil, err
		}
		defer received.Release()
		return req.RenderView(ctx, s.views.description, received.Bytes(), transcode.Options{}, nil)
	})
}

// UpdateNamespace changes settings of a namespace.
func (s *Service) UpdateNamespace(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "updateNamespace", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_UpdateNamespace_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.UpdateNamespaceRequest,
	) (*operation.Response, error) {
		request, err := updateRequest(namespace, body)
		if err != nil {
			return nil, err
		}
		received, err := s.upstream.Call(ctx, spec.Method, request)
		if err != nil {
			return nil, err
		}
		defer received.Release()
		return req.RenderView(ctx, s.views.updated, received.Bytes(), transcode.Options{}, nil)
	})
}
