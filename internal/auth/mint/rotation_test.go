package mint_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/mint"
	"github.com/flowgate/flowgate/internal/config"
)

// interval is the poll interval of Watch in tests.
const interval = time.Second

func openSignerAt(t testing.TB, cfg config.Mint, now func() time.Time) *mint.Signer {
	t.Helper()
	signer, err := mint.Open(cfg, mint.Options{Now: now})
	require.NoError(t, err)
	return signer
}

// namedKeys holds test keys, each named by one letter. A string such as "BA" stands for a key file that contains key B
// and then key A.
type namedKeys struct {
	pem map[string]string // by letter
	// kid maps a key id to its letter.
	kid map[string]string
}

// nameKeys generates a key for each letter.
func nameKeys(t testing.TB, letters string) namedKeys {
	t.Helper()
	keys := namedKeys{pem: map[string]string{}, kid: map[string]string{}}
	for letter := range strings.SplitSeq(letters, "") {
		keys.pem[letter] = ecKey(t)
		signer := openSigner(t, settings(writeFile(t, keys.pem[letter])))
		keys.kid[kidOf(t, tokenFor(t, signer, readCall("dev", "default")))] = letter
	}
	return keys
}

// file returns the content of the key file for the given letters. The content for "!" is invalid.
func (n namedKeys) file(letters string) string {
	var content strings.Builder
	for letter := range strings.SplitSeq(letters, "") {
		content.WriteString(n.pem[letter])
	}
	return content.String()
}

// signingKey returns the letter of the key that signs.
func (n namedKeys) signingKey(t *testing.T, signer *mint.Signer) string {
	t.Helper()
	return n.kid[kidOf(t, tokenFor(t, signer, readCall("dev", "default")))]
}

// published returns the letters of the published keys in their order.
func (n namedKeys) published(t *testing.T, signer *mint.Signer) string {
	t.Helper()
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(signer.JWKS(), &set))
	var letters strings.Builder
	for _, k := range set.Keys {
		letters.WriteString(n.kid[k.KeyID])
	}
	return letters.String()
}

// step writes a key file, unless file is empty, and then checks the keys at later times.
type step struct {
	file   string // the letters of the keys in the file
	checks []check
}

// check requires a signing key and published keys, given by their letters.
type check struct {
	after              time.Duration // the time since the previous check
	signing, published string
}

// Watch polls at every full second, and publishAhead is ten seconds. A key stays published for 150 s after it stops
// signing: the token's ttl (30 s), the time by which its "not before" is earlier than the signature (60 s), and a margin
// of one minute.
func TestRotation(t *testing.T) {
	t.Parallel()
	const s = time.Second
	keys := nameKeys(t, "ABC")
	for name, c := range map[string]struct {
		start string // the letters of the keys in the file at startup
		steps []step
	}{
		"a new first key is published before it signs, and the old one until its tokens have expired": {"A", []step{
			{"B", []check{{s, "A", "BA"}, {9 * s, "A", "BA"}, {s, "B", "BA"}, {150 * s, "B", "BA"}, {s, "B", "B"}}},
		}},
		"the old key may stay in the file": {"A", []step{
			{"BA", []check{{s, "A", "BA"}, {9 * s, "A", "BA"}, {s, "B", "BA"}, {200 * s, "B", "BA"}}},
			{"B", []check{{s, "B", "B"}}},
		}},
		"a key that was published for publishAhead signs immediately": {"AB", []step{
			{"", []check{{10 * s, "A", "AB"}}},
			{"BA", []check{{s, "B", "BA"}}},
		}},
		"a key that was published for less than publishAhead signs after the rest of that time": {"AB", []step{
			{"", []check{{4 * s, "A", "AB"}}},
			{"BA", []check{{s, "A", "BA"}, {4 * s, "A", "BA"}, {s, "B", "BA"}}},
		}},
		"a key that never signed is removed immediately, and publishAhead starts again when it returns": {"A", []step{
			{"BA", []check{{6 * s, "A", "BA"}}},
			{"A", []check{{s, "A", "A"}}},
			{"BA", []check{{10 * s, "A", "BA"}, {s, "B", "BA"}}},
		}},
		"a key that returns to the file while it is still published signs immediately": {"A", []step{
			{"B", []check{{20 * s, "B", "BA"}}},
			{"A", []check{{s, "A", "AB"}, {150 * s, "A", "AB"}, {s, "A", "A"}}},
		}},
		"a new key that replaces another new key is published before it signs": {"A", []step{
			{"B", []check{{6 * s, "A", "BA"}}},
			{"C", []check{{s, "A", "CA"}, {9 * s, "A", "CA"}, {s, "C", "CA"}, {151 * s, "C", "C"}}},
		}},
		"three keys in succession": {"A", []step{
			{"B", []check{{11 * s, "B", "BA"}}},
			{"C", []check{{11 * s, "C", "CBA"}, {140 * s, "C", "CB"}, {11 * s, "C", "C"}}},
		}},
		"an invalid file does not delay the rotation": {"A", []step{
			{"B", []check{{s, "A", "BA"}}},
			{"!", []check{{9 * s, "A", "BA"}, {s, "B", "BA"}, {151 * s, "B", "B"}}},
		}},
	} {
		path := writeFile(t, keys.file(c.start))
		synctest.Test(t, func(t *testing.T) {
			signer := openSigner(t, settings(path))
			require.Equal(t, c.start[:1], keys.signingKey(t, signer), "%s: at startup the first key signs immediately", name)
			require.Equal(t, c.start, keys.published(t, signer), name)
			go signer.Watch(t.Context(), interval)
			for i, step := range c.steps {
				if step.file != "" {
					rewrite(t, path, keys.file(step.file))
				}
				for j, check := range step.checks {
					time.Sleep(check.after)
					synctest.Wait()
					require.Equal(t, check.signing, keys.signingKey(t, signer), "%s: %d.%d signing", name, i, j)
					require.Equal(t, check.published, keys.published(t, signer), "%s: %d.%d published", name, i, j)
				}
			}
		})
	}
}

func TestWithoutPublishAheadNewKeySignsAtNextPoll(t *testing.T) {
	t.Parallel()
	keys := nameKeys(t, "AB")
	path := writeFile(t, keys.file("A"))
	synctest.Test(t, func(t *testing.T) {
		cfg := settings(path)
		cfg.PublishAhead = 0
		signer := openSigner(t, cfg)
		go signer.Watch(t.Context(), interval)
		rewrite(t, path, keys.file("B"))
		time.Sleep(interval)
		synctest.Wait()
		require.Equal(t, "B", keys.signingKey(t, signer))
		require.Equal(t, "BA", keys.published(t, signer))
	})
}

func TestInvalidFileIsReportedOnce(t *testing.T) {
	t.Parallel()
	keys := nameKeys(t, "AB")
	path := writeFile(t, keys.file("A"))
	synctest.Test(t, func(t *testing.T) {
		var recorder reloadRecorder
		signer, err := mint.Open(settings(path), recorder.options())
		require.NoError(t, err)
		go signer.Watch(t.Context(), interval)
		rewrite(t, path, "garbage")
		time.Sleep(5 * interval)
		synctest.Wait()
		require.Len(t, recorder.reloaded(), 1)
		require.Error(t, recorder.reloaded()[0])
		require.Equal(t, 1, strings.Count(recorder.log.String(), "level=ERROR"), recorder.log.String())
		require.Equal(t, "A", keys.signingKey(t, signer))

		rewrite(t, path, keys.file("BA"))
		time.Sleep(20 * interval)
		synctest.Wait()
		require.Len(t, recorder.reloaded(), 2)
		require.NoError(t, recorder.reloaded()[1])
		require.Equal(t, 2, strings.Count(recorder.log.String(), "the keys for minted tokens changed"), recorder.log.String())
		for _, kid := range slices.Collect(maps.Keys(keys.kid)) {
			require.Contains(t, recorder.log.String(), kid, "key ids are public and identify the change")
		}
	})
}
