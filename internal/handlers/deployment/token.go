package deployment

import (
	"context"
	"encoding/base64"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
)

// withToken adds the server's conflict token to a response as its ETag.
func withToken(response *operation.Response, token []byte) *operation.Response {
	if len(token) == 0 {
		return response
	}
	return response.WithETag(base64.RawURLEncoding.EncodeToString(token))
}

// expectedToken returns the conflict token in If-Match, or nil if the request is not
// conditional. The server makes no comparison with an empty token, so a tag that
// contains none fails here.
func expectedToken(req *operation.Request) ([]byte, error) {
	tag, conditional, err := req.IfMatch()
	if err != nil || !conditional {
		return nil, err
	}
	token, err := base64.RawURLEncoding.Strict().DecodeString(tag)
	if err != nil || len(token) == 0 {
		return nil, problem.New(problem.DeploymentChanged, "The ETag in If-Match is not one of this deployment.")
	}
	return token, nil
}

// expectedTokenOf is like [expectedToken]. If the request is conditional, it returns the
// error of the server unless there is a deployment with this name: the server would create
// it, and ignore the token.
func (s *Service) expectedTokenOf(ctx context.Context, req *operation.Request, name string) ([]byte, error) {
	token, err := expectedToken(req)
	if err != nil || req.HTTP.Header.Get("If-Match") == "" {
		return token, err
	}
	return token, s.upstream.Do(ctx, workflowservice.WorkflowService_DescribeWorkerDeployment_FullMethodName,
		&workflowservice.DescribeWorkerDeploymentRequest{Namespace: req.Namespace, DeploymentName: name},
		&workflowservice.DescribeWorkerDeploymentResponse{})
}

// conflictToken returns the conflict token of a DescribeWorkerDeploymentResponse.
func conflictToken(response []byte) (token []byte) {
	const field = 1
	for number, value := range transcode.Fields(response) {
		if number == field {
			token = value
		}
	}
	return token
}

// splitList returns the items and the next page token of a ListWorkerDeploymentsResponse.
func splitList(page []byte) (items [][]byte, token []byte) {
	const nextPageToken, item = 1, 2
	for number, value := range transcode.Fields(page) {
		if number == item {
			items = append(items, value)
		}
		if number == nextPageToken {
			token = value
		}
	}
	return items, token
}
