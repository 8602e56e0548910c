package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// TestSigningKeyChangesUnderLoad replaces the signing key repeatedly while all callers send requests. The server
// rejects tokens that are signed with a new key until it has fetched the key, which takes up to keyRefresh.
func TestSigningKeyChangesUnderLoad(t *testing.T) {
	duration := time.Minute
	if testing.Short() {
		duration = 10 * time.Second
	}
	l := startLoad(t)
	changes := 0
	for began := time.Now(); changes == 0 || time.Since(began) < duration; changes++ {
		changeSigningKey(t)
	}
	<-time.After(2 * keyRefresh) // requests continue until the server has fetched the keys again
	t.Logf("%d changes of the signing key", changes)
	l.stopAndCheck(t)
}

// changeSigningKey replaces the signing key and returns when the gateway signs with the new key.
func changeSigningKey(t *testing.T) {
	t.Helper()
	signing, err := newSigningKey()
	require.NoError(t, err)
	before := publishedKids(t)[0]
	require.NoError(t, replace(shared.files.mint, signing))
	var kids []string
	publishDelay := e2etest.Eventually(t, "the new key is published", func() bool {
		kids = publishedKids(t)
		return kids[0] != before
	})
	require.Contains(t, kids, before, "the old key is still published, because it still signs")
	signDelay := e2etest.Eventually(t, "the new key signs", func() bool { return shared.signingKeyLog.signing() == kids[0] })
	require.Greater(t, signDelay, 2*keyRefresh, "the server has had time to fetch the new key before it signs")
	require.Contains(t, publishedKids(t), before, "the old key is still published, because tokens that it signed have not expired")
	t.Logf("published after %v, signing %v later", publishDelay.Round(time.Millisecond), signDelay.Round(time.Millisecond))
}

func publishedKids(t *testing.T) []string {
	t.Helper()
	var kids []string
	for _, k := range published(t) {
		kids = append(kids, k["kid"])
	}
	return kids
}

// The gateway keeps its signing key if the file becomes invalid, and logs the invalid file once.
func TestInvalidSigningKeyFileHasNoEffect(t *testing.T) {
	rejected := shared.signingKeyLog.rejections()
	before := publishedKids(t)
	valid, err := newSigningKey()
	require.NoError(t, err)
	l := startLoad(t)
	require.NoError(t, replace(shared.files.mint, "garbage"))
	e2etest.Eventually(t, "the gateway has logged the rejection", func() bool { return shared.signingKeyLog.rejections() > rejected })
	require.Equal(t, before, publishedKids(t)[:len(before)])
	<-time.After(3 * time.Second) // the gateway reads the file again in this time
	require.Equal(t, rejected+1, shared.signingKeyLog.rejections())
	l.stopAndCheck(t)
	require.NoError(t, replace(shared.files.mint, valid))
	e2etest.Eventually(t, "a valid file takes effect again", func() bool { return publishedKids(t)[0] != before[0] })
}
