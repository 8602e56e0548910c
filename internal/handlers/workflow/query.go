package workflow

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
)

// QueryWorkflow is the SDK's handle.query.
func (s *Service) QueryWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := querySpec("queryWorkflow", namespace, workflowID, operation.BodyRequired)
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.QueryWorkflowParams, body *openapi.QueryRequest,
	) (*operation.Response, error) {
		var v convert.Validation
		v.Require("/query", body.Query)
		args := v.Payloads("/args", body.Args, "/argPayloads", body.ArgPayloads)
		condition := s.rejectCondition(&v, "/rejectCondition", namespace, body.RejectCondition)
		if err := v.Err(); err != nil {
			return nil, err
		}
		return s.query(ctx, &workflowservice.QueryWorkflowRequest{
			Namespace: namespace, Execution: req.Execution,
			Query:                &query.WorkflowQuery{QueryType: body.Query, QueryArgs: args, Header: req.WorkflowHeader()},
			QueryRejectCondition: condition,
		})
	})
}

// QueryWorkflowByName is handle.query without arguments, by GET.
func (s *Service) QueryWorkflowByName(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := querySpec("queryWorkflowByName", namespace, workflowID, operation.BodyNone)
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.QueryWorkflowByNameParams, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		v.Require("?query", params.Query)
		condition := s.rejectCondition(&v, "?rejectCondition", namespace, params.RejectCondition)
		if err := v.Err(); err != nil {
			return nil, err
		}
		return s.query(ctx, &workflowservice.QueryWorkflowRequest{
			Namespace: namespace, Execution: req.Execution,
			Query:                &query.WorkflowQuery{QueryType: params.Query, Header: req.WorkflowHeader()},
			QueryRejectCondition: condition,
		})
	})
}

func querySpec(name, namespace, workflowID string, body operation.BodyRule) operation.Spec {
	return operation.Spec{
		Name: name, Namespace: namespace, Body: body, Handle: &operation.Handle{WorkflowID: workflowID},
		Method: workflowservice.WorkflowService_QueryWorkflow_FullMethodName,
	}
}

// rejectCondition returns the reject condition that the request names, or the default of
// the namespace. In the SDKs, the client has the default.
func (s *Service) rejectCondition(v *convert.Validation, pointer, namespace string, condition openapi.QueryRejectCondition) enums.QueryRejectCondition {
	name := cmp.Or(string(condition), s.rejectConditions[namespace])
	return convert.Enum[enums.QueryRejectCondition](v, pointer, name)
}

func (s *Service) query(ctx context.Context, request *workflowservice.QueryWorkflowRequest) (*operation.Response, error) {
	workflowID := request.GetExecution().GetWorkflowId()
	response := &workflowservice.QueryWorkflowResponse{}
	err := s.upstream.Do(ctx, workflowservice.WorkflowService_QueryWorkflow_FullMethodName, request, response)
	if err != nil {
		return nil, withQueryFailure(operation.WithWorkflowID(err, workflowID))
	}
	if rejected := response.GetQueryRejected(); rejected != nil {
		return nil, queryRejected(workflowID, rejected.GetStatus())
	}
	body := openapi.QueryResult{}
	body.Result, body.ResultPayload = convert.FirstPayload(response.GetQueryResult())
	return operation.OK(body), nil
}

// queryRejected returns the problem for a query that the server rejected. The server
// rejects every query to a paused workflow, whatever the reject condition is.
func queryRejected(workflowID string, status enums.WorkflowExecutionStatus) error {
	detail := "The workflow's status meets the query's reject condition."
	if status == enums.WORKFLOW_EXECUTION_STATUS_PAUSED {
		detail = "The workflow is paused. It can be queried once it is unpaused."
	}
	e := problem.New(problem.QueryRejected, detail)
	e.Members.WorkflowID, e.Members.WorkflowStatus = workflowID, convert.EnumName(status)
	return e
}

// withQueryFailure adds the failure that the query handler returned to a problem.
func withQueryFailure(err error) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	for _, detail := range e.Upstream.Details() {
		if failed, is := detail.(*errordetails.QueryFailedFailure); is && failed.GetFailure() != nil {
			e.Members.Failure = convert.Failure(failed.GetFailure())
		}
	}
	return err
}
