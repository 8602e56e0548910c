package identity_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKeysFileChangesUnderLoad adds and removes a caller while the others send requests.
func TestKeysFileChangesUnderLoad(t *testing.T) {
	const usually = time.Second // a busy machine may be slower
	var delays []time.Duration
	l := startLoad(t)
	t.Cleanup(func() { assert.NoError(t, replace(shared.files.keys, keysYAML())) })
	// The gateway responds without the server, whose latency is not measured.
	late := func() int { return bearer(lateKey).get(t, "/v1/namespaces/"+defaultNamespace+"/client").status }
	require.Equal(t, http.StatusUnauthorized, late())
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		require.NoError(t, replace(shared.files.keys, keysYAML("late")))
		in := eventually(t, "the new key is taken", func() bool { return late() == http.StatusOK })
		require.NoError(t, replace(shared.files.keys, keysYAML()))
		out := eventually(t, "the caller is rejected again", func() bool { return late() == http.StatusUnauthorized })
		t.Logf("accepted after %v, rejected after %v", in.Round(time.Millisecond), out.Round(time.Millisecond))
		delays = append(delays, in, out)
	}
	slices.Sort(delays)
	require.LessOrEqual(t, delays[len(delays)/2], usually)
	l.end(t)
}

// TestInvalidKeysFileHasNoEffect checks that an invalid file is reported once and counted in a metric.
func TestInvalidKeysFileHasNoEffect(t *testing.T) {
	failures := func() int { return metric(t, "flowgate_keys_reloads_total", `outcome="failure"`) }
	rejected, failed := shared.keyLog.rejections(), failures()
	l := startLoad(t)
	require.NoError(t, replace(shared.files.keys, keysYAML()+"  - {id: nobody, grants: nothing}\n"))
	t.Cleanup(func() { assert.NoError(t, replace(shared.files.keys, keysYAML())) })
	eventually(t, "the failure is counted", func() bool { return failures() > failed })
	<-time.After(2 * time.Second) // during which it is polled again
	require.Equal(t, failed+1, failures())
	require.Equal(t, rejected+1, shared.keyLog.rejections())
	l.end(t)
}
