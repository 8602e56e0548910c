package deploytest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

func TestStartGateway(t *testing.T) {
	t.Parallel()
	stack := deploytest.Environment(t)
	gateway := deploytest.StartGateway(t, "", 0, 0)
	deploytest.Get(t, gateway.URL+"/v1/namespaces/"+stack.Namespace+"/client", stack.WriterKey)
	require.NoError(t, gateway.Stop())
}
