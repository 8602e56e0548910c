package handlers

import (
	"context"
	"errors"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/problem"
)

// SignalWorkflow is the SDK's handle.signal.
func (a *API) SignalWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "signalWorkflow", namespace: namespace, body: bodyRequired,
		method: workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, _ *openapi.SignalWorkflowParams, body *openapi.SignalRequest) (*response, error) {
		execution := c.execution
		s, err := c.stampWrite(body.Signal)
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		v.Require("/signal", body.Signal)
		input := v.Payloads("/args", body.Args, "/argPayloads", body.ArgPayloads)
		if err := v.Err(); err != nil {
			return nil, err
		}
		err = a.options.Upstream.Do(ctx, op.method, &workflowservice.SignalWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: execution, SignalName: body.Signal, Input: input,
			Identity: c.identity(), RequestId: s.RequestID, Header: c.workflowHeader(),
		}, &workflowservice.SignalWorkflowExecutionResponse{})
		return noContent(), withWorkflowID(err, execution.GetWorkflowId())
	})
}

// CancelWorkflow is the SDK's handle.cancel.
func (a *API) CancelWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "cancelWorkflow", namespace: namespace, body: bodyOptional,
		method: workflowservice.WorkflowService_RequestCancelWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID}, checksChain: true,
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, params *openapi.CancelWorkflowParams, body *openapi.CancelRequest) (*response, error) {
		execution := c.execution
		s, err := c.stampWrite()
		if err != nil {
			return nil, err
		}
		err = a.options.Upstream.Do(ctx, op.method, &workflowservice.RequestCancelWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: execution, FirstExecutionRunId: params.FirstExecutionRunID,
			Reason: body.Reason, Identity: c.identity(), RequestId: s.RequestID,
		}, &workflowservice.RequestCancelWorkflowExecutionResponse{})
		return noContent(), withWorkflowID(err, execution.GetWorkflowId())
	})
}

// TerminateWorkflow is the SDK's handle.terminate.
func (a *API) TerminateWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "terminateWorkflow", namespace: namespace, body: bodyOptional,
		method: workflowservice.WorkflowService_TerminateWorkflowExecution_FullMethodName,
		handle: &handle{segment: workflowID}, checksChain: true,
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, params *openapi.TerminateWorkflowParams, body *openapi.TerminateRequest) (*response, error) {
		execution := c.execution
		_, err := c.stampWrite()
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		details := v.Payloads("/details", body.Details, "/detailPayloads", body.DetailPayloads)
		if err := v.Err(); err != nil {
			return nil, err
		}
		err = a.options.Upstream.Do(ctx, op.method, &workflowservice.TerminateWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: execution, FirstExecutionRunId: params.FirstExecutionRunID,
			Reason: body.Reason, Details: details, Identity: c.identity(),
		}, &workflowservice.TerminateWorkflowExecutionResponse{})
		return noContent(), withWorkflowID(err, execution.GetWorkflowId())
	})
}

// withWorkflowID adds the id to a problem that concerns one workflow. Equal
// waits may share err, so it stays as it is.
func withWorkflowID(err error, workflowID string) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	about := *e
	about.Members.WorkflowID = workflowID
	return &about
}
