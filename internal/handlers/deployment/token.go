package deployment

import (
	"context"
	"encoding/base64"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// withToken adds the server's conflict token to a response as its ETag.
func withToken(response *operation.Response, token []byte) *operation.Response {
	if len(token) == 0 {
		return response
	}
	return response.WithETag(base64.RawURLEncoding.EncodeToString(token))
}

// expectedToken returns the conflict token in If-Match, or nil without that header or for
// "*". The server makes no comparison with an empty token, so a tag that contains none
// fails here. It creates a deployment that does not exist and ignores the token, so with
// the header, expectedToken first looks for the deployment.
func (s *Service) expectedToken(ctx context.Context, req *operation.Request, name string) (token []byte, err error) {
	tag, conditional, err := req.IfMatch()
	if err != nil {
		return nil, err
	}
	if conditional {
		if token, err = base64.RawURLEncoding.Strict().DecodeString(tag); err != nil || len(token) == 0 {
			return nil, problem.New(problem.DeploymentChanged, "The ETag in If-Match is not one of this deployment.")
		}
	}
	if !req.HasIfMatch() {
		return nil, nil
	}
	return token, s.upstream.Do(upstream.WithInternal(ctx), workflowservice.WorkflowService_DescribeWorkerDeployment_FullMethodName,
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
