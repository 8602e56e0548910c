package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
)

// metadataQuery is a query that every SDK handles itself. Its result is a
// temporal.api.sdk.v1.WorkflowMetadata in protobuf JSON.
const metadataQuery = "__temporal_workflow_metadata"

// GetWorkflowMetadata returns the current details and the handlers of a workflow, which a
// worker must be running to report.
func (s *Service) GetWorkflowMetadata(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := querySpec("getWorkflowMetadata", namespace, workflowID, operation.BodyNone)
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.GetWorkflowMetadataParams, _ *operation.None,
	) (*operation.Response, error) {
		response := &workflowservice.QueryWorkflowResponse{}
		err := s.upstream.Do(ctx, spec.Method, &workflowservice.QueryWorkflowRequest{
			Namespace: namespace, Execution: req.Execution,
			Query: &query.WorkflowQuery{QueryType: metadataQuery},
		}, response)
		if err != nil {
			return nil, withQueryFailure(operation.WithWorkflowID(err, req.Execution.GetWorkflowId()))
		}
		return metadataResponse(response.GetQueryResult())
	})
}

func metadataResponse(list *common.Payloads) (*operation.Response, error) {
	metadata := &sdk.WorkflowMetadata{}
	if payloads := list.GetPayloads(); len(payloads) > 0 {
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payloads[0].GetData(), metadata); err != nil {
			return nil, problem.New(problem.UpstreamError, "The worker's description of the workflow cannot be read.").WithCause(err)
		}
	}
	body := openapi.WorkflowMetadata{CurrentDetails: metadata.GetCurrentDetails()}
	if definition := metadata.GetDefinition(); definition != nil {
		body.Definition = &openapi.WorkflowDefinition{
			Type:    definition.GetType(),
			Queries: renderHandlers(definition.GetQueryDefinitions()),
			Signals: renderHandlers(definition.GetSignalDefinitions()),
			Updates: renderHandlers(definition.GetUpdateDefinitions()),
		}
	}
	return operation.OK(body), nil
}

func renderHandlers(definitions []*sdk.WorkflowInteractionDefinition) []openapi.WorkflowHandler {
	handlers := make([]openapi.WorkflowHandler, len(definitions))
	for i, definition := range definitions {
		handlers[i] = openapi.WorkflowHandler{Name: definition.GetName(), Description: definition.GetDescription()}
	}
	return handlers
}
