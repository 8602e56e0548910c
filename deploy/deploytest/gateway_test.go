package deploytest_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

func TestStartGateway(t *testing.T) {
	t.Parallel()
	stack := deploytest.Environment(t)
	gateway := deploytest.StartGateway(t, "", 0, 0)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gateway.URL+"/v1/namespaces/"+stack.Namespace+"/client", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+stack.WriterKey)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
	require.NoError(t, gateway.Stop())
}
