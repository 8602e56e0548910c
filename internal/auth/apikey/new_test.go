package apikey_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/auth/authtest"
	"github.com/flowgate/flowgate/internal/problem"
)

func TestNewKeyIsAcceptedWithItsEntry(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"dev", "null", "true", "007", "-", strings.Repeat("a", 32)} {
		key, entry, err := apikey.New(id, rand.Reader)
		require.NoError(t, err)
		secret := strings.TrimPrefix(key, "fg_"+id+"_")
		require.Len(t, secret, 43)
		require.NotContains(t, entry, secret)
		principal, err := authtest.Authenticate(newAuthenticator(authtest.OpenKeys(t, "keys:\n"+entry)), http.Header{"X-Api-Key": {key}})
		require.NoError(t, err)
		require.Equal(t, id, principal.Name)
		require.True(t, problem.Is(principal.Authorize(workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName, "default"), problem.NamespaceForbidden), "a new key has no grants")
	}
}

func TestNewKeyUsesAllEntropy(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range 32 * 8 {
		entropy := make([]byte, 32)
		entropy[i/8] = 1 << (i % 8)
		key, _, err := apikey.New("dev", bytes.NewReader(entropy))
		require.NoError(t, err)
		require.Len(t, key, len("fg_dev_")+43)
		seen[key] = true
	}
	require.Len(t, seen, 32*8, "every bit changes the key")
}

func TestNewKeyErrors(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "Dev", "a_b", "a b", "anonymous", strings.Repeat("a", 33)} {
		_, _, err := apikey.New(id, rand.Reader)
		require.Error(t, err, id)
	}
	_, _, err := apikey.New("dev", iotest.ErrReader(iotest.ErrTimeout))
	require.ErrorIs(t, err, iotest.ErrTimeout)
	_, _, err = apikey.New("dev", bytes.NewReader(make([]byte, 31)))
	require.Error(t, err, "too little entropy")
}
