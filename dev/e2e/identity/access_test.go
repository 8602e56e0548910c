package identity_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func TestReaderMayListButNotStart(t *testing.T) {
	bearer(readerKey).get(t, workflows(defaultNamespace)).expect(t, http.StatusOK)
	before := upstreamCalls(t, "StartWorkflowExecution")
	response, id := bearer(readerKey).start(t, defaultNamespace)
	response.problem(t, http.StatusForbidden, "operation-forbidden")
	require.Equal(t, before, upstreamCalls(t, "StartWorkflowExecution"), "the gateway itself rejects the call")
	bearer(readerKey).get(t, workflows(defaultNamespace)+"/"+id).problem(t, http.StatusNotFound, "workflow-not-found")
}

func TestWriterMayStartAndRead(t *testing.T) {
	before := upstreamCalls(t, "StartWorkflowExecution")
	response, id := bearer(writerKey).start(t, defaultNamespace)
	response.expect(t, http.StatusCreated)
	require.Equal(t, before+1, upstreamCalls(t, "StartWorkflowExecution"))
	bearer(writerKey).get(t, workflows(defaultNamespace)+"/"+id).expect(t, http.StatusOK)
	bearer(readerKey).get(t, workflows(defaultNamespace)+"/"+id).expect(t, http.StatusOK)
}

func TestCallerMayAccessOnlyItsNamespace(t *testing.T) {
	response, id := bearer(writerKey).start(t, defaultNamespace)
	response.expect(t, http.StatusCreated)
	paths := map[string]string{"ListWorkflowExecutions": "", "CountWorkflowExecutions": ":count", "DescribeWorkflowExecution": "/" + id}
	for method, path := range paths {
		before := upstreamCalls(t, method)
		bearer(otherWriterKey).get(t, workflows(defaultNamespace)+path).problem(t, http.StatusForbidden, "namespace-forbidden")
		require.Equal(t, before, upstreamCalls(t, method), method)
	}
	response, _ = bearer(otherWriterKey).start(t, defaultNamespace)
	response.problem(t, http.StatusForbidden, "namespace-forbidden")
	bearer(otherWriterKey).get(t, workflows(otherNamespace)+"/"+id).problem(t, http.StatusNotFound, "workflow-not-found")
	response, otherID := bearer(otherWriterKey).start(t, otherNamespace)
	response.expect(t, http.StatusCreated)
	bearer(otherWriterKey).get(t, workflows(otherNamespace)+"/"+otherID).expect(t, http.StatusOK)
	bearer(writerKey).get(t, workflows(otherNamespace)+"/"+otherID).problem(t, http.StatusForbidden, "namespace-forbidden")
}

// The server rejects a call without a minted token, and the gateway rejects a request without an API key.
func TestCallsWithoutTokenAreRejected(t *testing.T) {
	connection, err := grpc.NewClient(shared.server.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { assert.NoError(t, connection.Close()) }()
	_, err = workflowservice.NewWorkflowServiceClient(connection).CountWorkflowExecutions(
		context.Background(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: defaultNamespace})
	require.Equal(t, codes.PermissionDenied, status.Code(err), "%v", err)
	caller{}.get(t, workflows(defaultNamespace)).problem(t, http.StatusUnauthorized, "unauthenticated")
}

// The gateway publishes its JSON Web Key Set without authentication, so the set must not contain private keys.
func TestPublishedSetContainsOnlyPublicKeys(t *testing.T) {
	set := published(t)
	require.NotEmpty(t, set)
	for _, k := range set {
		for member := range k {
			require.Contains(t, []string{"kty", "use", "alg", "kid", "crv", "x", "y"}, member)
		}
	}
}

// published returns the keys of the JSON Web Key Set that the gateway publishes, in the order of the document.
func published(t *testing.T) []map[string]string {
	t.Helper()
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	response := caller{}.get(t, jwksPath).expect(t, http.StatusOK)
	require.NoError(t, json.Unmarshal(response.body, &set))
	return set.Keys
}
