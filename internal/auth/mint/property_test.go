package mint_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/mint"
)

// history is a random sequence of events: key files change, callers request tokens, and servers fetch keys.
type history struct {
	random *rand.Rand
	keys   namedKeys
	path   string
	signer *mint.Signer
	// servers fetch every five seconds, half of publishAhead, each one second after the previous one.
	servers [5]keySet
	// sets caches the published sets, because most are fetched many times.
	sets map[string]keySet
	// live has the tokens that have not expired, which all servers must accept.
	live     map[string]issued
	switches int
	signing  string
}

// issued is a token that a caller received.
type issued struct {
	kid  string
	ends time.Time
}

// Every server accepts every token during its whole lifetime, regardless of changes to the key file.
func TestEveryTokenIsAcceptedForItsLifetime(t *testing.T) {
	t.Parallel()
	keys := nameKeys(t, "ABCDE")
	switches := 0
	for seed := range uint64(10) {
		path := writeFile(t, keys.file("A"))
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0)) // a fixed seed, so that failures are reproducible
			h := &history{random: random, keys: keys, path: path, live: map[string]issued{}, sets: map[string]keySet{}}
			h.signer = open(t, settings(path))
			for i := range h.servers {
				h.servers[i] = h.fetch(t)
			}
			go h.signer.Watch(t.Context(), interval)
			time.Sleep(interval / 2) // so that no event coincides with a poll
			for second := range 600 {
				h.second(t, second)
				require.False(t, t.Failed(), "seed %d, second %d", seed, second)
			}
			switches += h.switches
		})
	}
	require.Greater(t, switches, 50, "the keys rotate")
	t.Logf("%d changes of the signing key", switches)
}

func (h *history) second(t *testing.T, second int) {
	t.Helper()
	synctest.Wait()
	if h.random.IntN(12) == 0 {
		h.change(t)
	}
	h.servers[second%len(h.servers)] = h.fetch(t)
	for range 3 {
		h.request(t, second)
	}
	for token, issued := range h.live {
		if !time.Now().Before(issued.ends) {
			delete(h.live, token)
			continue
		}
		for i, known := range h.servers {
			if _, ok := known[issued.kid]; !ok { // this runs a million times, and require is slow
				require.Failf(t, "a live token is rejected", "server %d does not know key %s", i, h.keys.kid[issued.kid])
			}
		}
	}
	time.Sleep(time.Second)
}

func (h *history) fetch(t *testing.T) keySet {
	t.Helper()
	set := string(h.signer.JWKS())
	if h.sets[set] == nil {
		h.sets[set] = fetch(t, h.signer)
	}
	return h.sets[set]
}

// request requests a token for a random caller.
func (h *history) request(t *testing.T, second int) {
	t.Helper()
	token := tokenFor(t, h.signer, readCall(strconv.Itoa(h.random.IntN(5)), "default"))
	if _, again := h.live[token]; again {
		return
	}
	parsed, err := h.servers[second%len(h.servers)].verify(token)
	require.NoError(t, err)
	ends, err := parsed.Claims.GetExpirationTime()
	require.NoError(t, err)
	kid := kidOf(t, token)
	h.live[token] = issued{kid: kid, ends: ends.Time}
	if kid != h.signing {
		h.signing = kid
		h.switches++
	}
}

// change writes a random selection of the keys in random order, and sometimes an invalid file.
func (h *history) change(t *testing.T) {
	t.Helper()
	letters := []string{"A", "B", "C", "D", "E"}
	h.random.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
	some := letters[:h.random.IntN(len(letters)+1)]
	rewrite(t, h.path, h.keys.file(strings.Join(some, "")))
}
