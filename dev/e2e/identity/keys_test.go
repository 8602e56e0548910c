package identity_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// TestKeysFileChangesUnderLoad repeatedly adds an API key to the file and removes it, while other callers send
// requests.
func TestKeysFileChangesUnderLoad(t *testing.T) {
	const maxMedianDelay = time.Second // the median, because a single change may take longer on a busy machine
	var delays []time.Duration
	l := startLoad(t)
	t.Cleanup(func() { assert.NoError(t, replace(shared.files.keys, keysYAML())) })
	// The gateway responds to this request without calling the server, whose latency the test does not measure.
	status := func() int { return bearer(addedKey).get(t, "/v1/namespaces/"+defaultNamespace+"/client").status }
	require.Equal(t, http.StatusUnauthorized, status())
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		require.NoError(t, replace(shared.files.keys, keysYAML("added")))
		accepted := e2etest.Eventually(t, "the new key is accepted", func() bool { return status() == http.StatusOK })
		require.NoError(t, replace(shared.files.keys, keysYAML()))
		rejected := e2etest.Eventually(t, "the removed key is rejected", func() bool { return status() == http.StatusUnauthorized })
		t.Logf("accepted after %v, rejected after %v", accepted.Round(time.Millisecond), rejected.Round(time.Millisecond))
		delays = append(delays, accepted, rejected)
	}
	slices.Sort(delays)
	require.LessOrEqual(t, delays[len(delays)/2], maxMedianDelay)
	l.stopAndCheck(t)
}

// TestInvalidKeysFileHasNoEffect checks that the gateway logs and counts an invalid API key file once, and keeps its
// keys.
func TestInvalidKeysFileHasNoEffect(t *testing.T) {
	failures := func() int {
		return int(e2etest.Metric(t, shared.gateway, "flowgate_keys_reloads_total", `outcome="failure"`))
	}
	rejected, failed := shared.signingKeyLog.rejections(), failures()
	l := startLoad(t)
	require.NoError(t, replace(shared.files.keys, keysYAML()+"  - {id: nobody, grants: nothing}\n"))
	t.Cleanup(func() { assert.NoError(t, replace(shared.files.keys, keysYAML())) })
	e2etest.Eventually(t, "the failure is counted", func() bool { return failures() > failed })
	<-time.After(2 * time.Second) // the gateway reads the file again in this time
	require.Equal(t, failed+1, failures())
	require.Equal(t, rejected+1, shared.signingKeyLog.rejections())
	l.stopAndCheck(t)
}
