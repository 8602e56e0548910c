package temporal_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"

	"github.com/flowgate/flowgate/dev/temporal"
)

const otherNamespace = "other"

// TestServer runs all tests against one server, because each server takes one second to start and 100 MB of memory.
func TestServer(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	server, err := temporal.Start(t.Context(), temporal.Options{Namespaces: []string{otherNamespace}, Log: &log})
	require.NoError(t, err)
	sdk := dial(t, server.Address())

	t.Run("features", func(t *testing.T) {
		t.Run("the namespaces exist", func(t *testing.T) { testNamespaces(t, sdk) })
		t.Run("search attributes of every type work in queries", func(t *testing.T) { testSearchAttributes(t, sdk) })
		t.Run("visibility is not throttled", func(t *testing.T) { testVisibilityRate(t, sdk) })
		t.Run("optional features are on", func(t *testing.T) { testFeatures(t, sdk) })
		t.Run("the HTTP API responds", func(t *testing.T) { testHTTPAPI(t, server.HTTPAddress()) })
		t.Run("the server listens only on loopback", func(t *testing.T) { testLoopbackOnly(t, server.Address()) })
		t.Run("a taken port is reported", func(t *testing.T) { testTakenPort(t, server.Address()) })
	})

	require.NoError(t, server.Stop())
	require.NoError(t, server.Stop(), "a second Stop has no effect")
	require.Empty(t, log.String(), "a healthy server logs nothing")
	dialer := net.Dialer{Timeout: time.Second}
	_, err = dialer.DialContext(t.Context(), "tcp", server.Address())
	require.Error(t, err, "a stopped server has closed its port")
}

func TestStartReturnsWhenContextIsCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := temporal.Start(ctx, temporal.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func dial(t *testing.T, address string) client.Client {
	t.Helper()
	sdk, err := client.DialContext(t.Context(), client.Options{HostPort: address})
	require.NoError(t, err)
	t.Cleanup(sdk.Close)
	return sdk
}

func testNamespaces(t *testing.T, sdk client.Client) {
	for _, name := range []string{temporal.DefaultNamespace, otherNamespace} {
		request := &workflowservice.DescribeNamespaceRequest{Namespace: name}
		_, err := sdk.WorkflowService().DescribeNamespace(t.Context(), request)
		require.NoError(t, err, name)
		attributes, err := sdk.OperatorService().ListSearchAttributes(t.Context(),
			&operatorservice.ListSearchAttributesRequest{Namespace: name})
		require.NoError(t, err, name)
		require.Equal(t, temporal.SearchAttributes(), attributes.GetCustomAttributes(), name)
	}
}

func testSearchAttributes(t *testing.T, sdk client.Client) {
	due := time.Date(2030, time.January, 2, 3, 4, 5, 0, time.UTC)
	id := startWithoutWorker(t, sdk, sdktemporal.NewSearchAttributes(
		sdktemporal.NewSearchAttributeKeyKeyword("CustomerId").ValueSet("c-1"),
		sdktemporal.NewSearchAttributeKeyInt64("Items").ValueSet(3),
		sdktemporal.NewSearchAttributeKeyFloat64("Amount").ValueSet(9.5),
		sdktemporal.NewSearchAttributeKeyBool("Express").ValueSet(true),
		sdktemporal.NewSearchAttributeKeyTime("DueAt").ValueSet(due),
		sdktemporal.NewSearchAttributeKeyKeywordList("Tags").ValueSet([]string{"a", "b"}),
		sdktemporal.NewSearchAttributeKeyString("Note").ValueSet("to be left at the door"),
	))
	query := `CustomerId = "c-1" AND Items = 3 AND Amount > 9 AND Express = true AND Tags = "b" AND Note = "door"` +
		` AND DueAt > "2030-01-02T03:00:00Z" AND WorkflowId = "` + id + `"`
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		count, err := sdk.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		require.NoError(c, err)
		require.EqualValues(c, 1, count.GetCount())
	}, 10*time.Second, 20*time.Millisecond)
}

func testVisibilityRate(t *testing.T, sdk client.Client) {
	for range 50 {
		_, err := sdk.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{})
		require.NoError(t, err)
	}
}

func testFeatures(t *testing.T, sdk client.Client) {
	service := sdk.WorkflowService()
	_, err := service.PauseWorkflowExecution(t.Context(), &workflowservice.PauseWorkflowExecutionRequest{
		Namespace:  temporal.DefaultNamespace,
		WorkflowId: startWithoutWorker(t, sdk, sdktemporal.SearchAttributes{}),
		RequestId:  uuid.NewString(),
	})
	require.NoError(t, err, "pause")
	_, err = service.UpdateWorkerBuildIdCompatibility(t.Context(),
		&workflowservice.UpdateWorkerBuildIdCompatibilityRequest{
			Namespace: temporal.DefaultNamespace,
			TaskQueue: uuid.NewString(),
			Operation: &workflowservice.UpdateWorkerBuildIdCompatibilityRequest_AddNewBuildIdInNewDefaultSet{
				AddNewBuildIdInNewDefaultSet: "1.0",
			},
		})
	require.NoError(t, err, "worker versioning")
	_, err = service.ListWorkflowRules(t.Context(),
		&workflowservice.ListWorkflowRulesRequest{Namespace: temporal.DefaultNamespace})
	require.NoError(t, err, "workflow rules")
	_, err = service.ListNexusOperationExecutions(t.Context(),
		&workflowservice.ListNexusOperationExecutionsRequest{Namespace: temporal.DefaultNamespace})
	require.NoError(t, err, "standalone Nexus operations")
	_, err = service.ListActivityExecutions(t.Context(),
		&workflowservice.ListActivityExecutionsRequest{Namespace: temporal.DefaultNamespace})
	require.NoError(t, err, "standalone activities")
	_, err = service.ListWorkerDeployments(t.Context(),
		&workflowservice.ListWorkerDeploymentsRequest{Namespace: temporal.DefaultNamespace})
	require.NoError(t, err, "worker deployments")
}

func testHTTPAPI(t *testing.T, address string) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+address+"/api/v1/namespaces/"+temporal.DefaultNamespace, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func testLoopbackOnly(t *testing.T, address string) {
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.To4() == nil {
			continue
		}
		dialer := net.Dialer{Timeout: time.Second}
		_, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(network.IP.String(), port))
		require.Error(t, err, "%s accepts connections", network.IP)
	}
}

func testTakenPort(t *testing.T, address string) {
	_, text, err := net.SplitHostPort(address)
	require.NoError(t, err)
	port, err := strconv.Atoi(text)
	require.NoError(t, err)
	_, err = temporal.Start(t.Context(), temporal.Options{FrontendPort: port})
	require.ErrorContains(t, err, text)
}

// startWithoutWorker starts a workflow on a task queue without a worker, so that the workflow stays open.
func startWithoutWorker(t *testing.T, sdk client.Client, attributes sdktemporal.SearchAttributes) string {
	t.Helper()
	run, err := sdk.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID:                    uuid.NewString(),
		TaskQueue:             uuid.NewString(),
		TypedSearchAttributes: attributes,
	}, "NoWorker")
	require.NoError(t, err)
	return run.GetID()
}
