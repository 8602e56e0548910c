package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// namespaceWithID returns the response to DescribeNamespace.
func namespaceWithID(id string) proto.Message {
	return &workflowservice.DescribeNamespaceResponse{NamespaceInfo: &namespace.NamespaceInfo{Name: orders, Id: id}}
}

const completeActivity = workflowservice.WorkflowService_RespondActivityTaskCompleted_FullMethodName

// completeWithToken completes an activity with a task token of the namespace with an id.
func completeWithToken(t *testing.T, client *upstream.Client, namespaceID string) error {
	t.Helper()
	return client.Do(inOrdersNamespace(t.Context()), completeActivity, &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: orders, TaskToken: namespaceOnly(namespaceID),
	}, &workflowservice.RespondActivityTaskCompletedResponse{})
}

func TestATaskTokenOfAnotherNamespaceIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeNamespace", upstreamtest.Respond(namespaceWithID("id-1")))
		server.Handle("RespondActivityTaskCompleted", upstreamtest.Respond(&workflowservice.RespondActivityTaskCompletedResponse{}))
		client := newClient(t, server)
		for range 3 {
			require.True(t, problem.Is(completeWithToken(t, client, "id-2"), problem.NamespaceMismatch))
		}
		require.Empty(t, server.Calls("RespondActivityTaskCompleted"))
		for range 3 {
			require.NoError(t, completeWithToken(t, client, "id-1"))
		}
		require.Len(t, server.Calls("RespondActivityTaskCompleted"), 3)
		require.Len(t, server.Calls("DescribeNamespace"), 1, "forged tokens do not cause a call each")
	})
}

// The id changes if the namespace is deleted and registered again.
func TestANamespaceThatWasRegisteredAgainIsRecognised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeNamespace", upstreamtest.InTurn(
			upstreamtest.Respond(namespaceWithID("id-1")), upstreamtest.Respond(namespaceWithID("id-2"))))
		server.Handle("RespondActivityTaskCompleted", upstreamtest.Respond(&workflowservice.RespondActivityTaskCompletedResponse{}))
		client := newClient(t, server)
		require.NoError(t, completeWithToken(t, client, "id-1"))
		time.Sleep(time.Hour)
		require.NoError(t, completeWithToken(t, client, "id-1"))
		require.Len(t, server.Calls("DescribeNamespace"), 1, "a token that matches causes no call")
		require.NoError(t, completeWithToken(t, client, "id-2"))
		require.True(t, problem.Is(completeWithToken(t, client, "id-1"), problem.NamespaceMismatch))
		require.Len(t, server.Calls("DescribeNamespace"), 2)
	})
}

func TestATaskTokenThatCannotBeCheckedIsNotSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		describe upstreamtest.Handler
		want     problem.Code
	}{
		"the namespace is not found": {upstreamtest.Fail(codes.NotFound, "none"), problem.WorkflowNotFound},
		"the server denies the call": {upstreamtest.Fail(codes.PermissionDenied, "no"), problem.PermissionDenied},
		"the server is unavailable":  {upstreamtest.Fail(codes.Unavailable, "down"), problem.UpstreamUnavailable},
		"the response has no id":     {upstreamtest.Respond(namespaceWithID("")), problem.UpstreamError},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := upstreamtest.New(t)
			server.Handle("DescribeNamespace", test.describe)
			require.True(t, problem.Is(completeWithToken(t, newClient(t, server), "id-1"), test.want), name)
			require.Empty(t, server.Calls("RespondActivityTaskCompleted"), name)
		})
	}
}

// A caller without access to the call causes no call that resolves the namespace.
func TestATaskTokenIsCheckedAfterTheAccess(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	reader := &auth.Principal{Name: "reader", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleRead}}}
	ctx := upstream.WithOptions(auth.WithPrincipal(t.Context(), reader), &upstream.CallOptions{Namespace: orders})
	err := client.Do(ctx, completeActivity, &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: orders, TaskToken: namespaceOnly("id-1"),
	}, &workflowservice.RespondActivityTaskCompletedResponse{})
	require.True(t, problem.Is(err, problem.OperationForbidden), err)
	require.Empty(t, server.AllCalls())
}
