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

// history is a random one: files come and go, callers ask, and servers fetch at their own pace.
type history struct {
	random *rand.Rand
	keys   named
	path   string
	signer *mint.Signer
	// servers fetch every five seconds, publishAhead by half, each a second after the other.
	servers [5]keySet
	// sets are those that were published, since most are fetched many times.
	sets map[string]keySet
	// live are the tokens that a server must take, and until when.
	live     map[string]handed
	switches int
	signing  string
}

type handed struct {
	kid  string
	ends time.Time
}

// Whatever happens to the file, every token that was handed out is taken by every server at every moment of its life.
func TestEveryTokenIsTakenForItsWholeLife(t *testing.T) {
	t.Parallel()
	keys := nameKeys(t, "ABCDE")
	switches := 0
	for seed := range uint64(10) {
		path := writeFile(t, keys.file("A"))
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0)) // the same each time
			h := &history{random: random, keys: keys, path: path, live: map[string]handed{}, sets: map[string]keySet{}}
			h.signer = open(t, settings(path))
			for i := range h.servers {
				h.servers[i] = h.fetch(t)
			}
			go h.signer.Watch(t.Context(), interval)
			time.Sleep(interval / 2) // so that nothing happens at the same moment as a look
			for second := range 600 {
				h.second(t, second)
				require.False(t, t.Failed(), "seed %d, second %d", seed, second)
			}
			switches += h.switches
		})
	}
	require.Greater(t, switches, 50, "keys did rotate")
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
		h.ask(t, second)
	}
	for token, handed := range h.live {
		if !time.Now().Before(handed.ends) {
			delete(h.live, token)
			continue
		}
		for i, known := range h.servers {
			if _, ok := known[handed.kid]; !ok { // a million times, for which require is slow
				require.Failf(t, "a live token is refused", "server %d knows no key %s", i, h.keys.kid[handed.kid])
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

// tokenFor lets a caller have a token, which all servers must take.
func (h *history) ask(t *testing.T, second int) {
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
	h.live[token] = handed{kid: kid, ends: ends.Time}
	if kid != h.signing {
		h.signing = kid
		h.switches++
	}
}

// change writes some of the keys in some order, a broken file now and then.
func (h *history) change(t *testing.T) {
	t.Helper()
	letters := []string{"A", "B", "C", "D", "E"}
	h.random.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
	some := letters[:h.random.IntN(len(letters)+1)]
	rewrite(t, h.path, h.keys.file(strings.Join(some, "")))
}
