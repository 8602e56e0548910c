package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// TestSigningKeyChangesUnderLoad replaces the signing key repeatedly while all callers send requests. The server
// fetches a new key within keyRefresh and would reject tokens signed with it before that.
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
	<-time.After(2 * keyRefresh) // calls continue with the new key beyond the next fetch
	t.Logf("%d changes of the signing key", changes)
	l.end(t)
}

// changeSigningKey replaces the key and returns once the new key signs.
func changeSigningKey(t *testing.T) {
	t.Helper()
	signing, err := newSigningKey()
	require.NoError(t, err)
	before := publishedKids(t)[0]
	require.NoError(t, replace(shared.files.mint, signing))
	var kids []string
	first := e2etest.Eventually(t, "the new key is published", func() bool {
		kids = publishedKids(t)
		return kids[0] != before
	})
	require.Contains(t, kids, before, "the old key still signs and is published")
	signs := e2etest.Eventually(t, "the new key signs", func() bool { return shared.keyLog.signing() == kids[0] })
	require.Greater(t, signs, 2*keyRefresh, "servers have had time to fetch the new key")
	require.Contains(t, publishedKids(t), before, "tokens of the old key have not expired")
	t.Logf("published after %v, signing %v later", first.Round(time.Millisecond), signs.Round(time.Millisecond))
}

func publishedKids(t *testing.T) []string {
	t.Helper()
	var kids []string
	for _, k := range published(t) {
		kids = append(kids, k["kid"])
	}
	return kids
}

// An invalid key file has no effect and is reported once.
func TestInvalidSigningKeyFileHasNoEffect(t *testing.T) {
	rejected := shared.keyLog.rejections()
	before := publishedKids(t)
	valid, err := newSigningKey()
	require.NoError(t, err)
	l := startLoad(t)
	require.NoError(t, replace(shared.files.mint, "garbage"))
	e2etest.Eventually(t, "the rejection is reported", func() bool { return shared.keyLog.rejections() > rejected })
	require.Equal(t, before, publishedKids(t)[:len(before)])
	<-time.After(3 * time.Second) // the gateway polls the file again meanwhile
	require.Equal(t, rejected+1, shared.keyLog.rejections())
	l.end(t)
	require.NoError(t, replace(shared.files.mint, valid))
	e2etest.Eventually(t, "a valid file takes effect again", func() bool { return publishedKids(t)[0] != before[0] })
}
