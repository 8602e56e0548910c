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

// simulation runs a random sequence of events: key files change, callers request tokens, and servers fetch keys.
type simulation struct {
	random *rand.Rand
	keys   namedKeys
	path   string
	signer *mint.Signer
	// servers are the keys that each server has fetched. Each fetches every five seconds, which is half of publishAhead,
	// and one second after the previous server.
	servers [5]keySet
	// sets caches the published sets, because most are fetched many times.
	sets map[string]keySet
	// live has the tokens that have not expired, which all servers must accept.
	live map[string]issued
	// signing is the kid of the key that signed the newest token, and signerChanges the number of its changes.
	signing       string
	signerChanges int
}

// issued is a token that a caller received.
type issued struct {
	kid     string
	expires time.Time
}

// Every server accepts every token until it expires, regardless of changes to the key file.
func TestEveryTokenIsAcceptedForItsLifetime(t *testing.T) {
	t.Parallel()
	keys := nameKeys(t, "ABCDE")
	signerChanges := 0
	for seed := range uint64(10) {
		path := writeFile(t, keys.file("A"))
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0)) // a fixed seed, so that failures are reproducible
			s := &simulation{random: random, keys: keys, path: path, live: map[string]issued{}, sets: map[string]keySet{}}
			s.signer = openSigner(t, settings(path))
			for i := range s.servers {
				s.servers[i] = s.fetchKeys(t)
			}
			go s.signer.Watch(t.Context(), interval)
			time.Sleep(interval / 2) // so that no event coincides with a poll
			for second := range 600 {
				s.runSecond(t, second)
				require.False(t, t.Failed(), "seed %d, second %d", seed, second)
			}
			signerChanges += s.signerChanges
		})
	}
	require.Greater(t, signerChanges, 50, "the keys rotate")
	t.Logf("%d changes of the signing key", signerChanges)
}

func (s *simulation) runSecond(t *testing.T, second int) {
	t.Helper()
	synctest.Wait()
	if s.random.IntN(12) == 0 {
		s.changeFile(t)
	}
	s.servers[second%len(s.servers)] = s.fetchKeys(t)
	for range 3 {
		s.requestToken(t, second)
	}
	for token, issued := range s.live {
		if !time.Now().Before(issued.expires) {
			delete(s.live, token)
			continue
		}
		for i, known := range s.servers {
			if _, ok := known[issued.kid]; !ok { // this runs a million times, and require is slow
				require.Failf(t, "a token is rejected before it expires", "server %d has not fetched key %s", i, s.keys.kid[issued.kid])
			}
		}
	}
	time.Sleep(time.Second)
}

func (s *simulation) fetchKeys(t *testing.T) keySet {
	t.Helper()
	set := string(s.signer.JWKS())
	if s.sets[set] == nil {
		s.sets[set] = fetchKeys(t, s.signer)
	}
	return s.sets[set]
}

// requestToken requests a token for a random caller.
func (s *simulation) requestToken(t *testing.T, second int) {
	t.Helper()
	token := tokenFor(t, s.signer, readCall(strconv.Itoa(s.random.IntN(5)), "default"))
	if _, again := s.live[token]; again {
		return
	}
	parsed, err := s.servers[second%len(s.servers)].verify(token)
	require.NoError(t, err)
	expires, err := parsed.Claims.GetExpirationTime()
	require.NoError(t, err)
	kid := kidOf(t, token)
	s.live[token] = issued{kid: kid, expires: expires.Time}
	if kid != s.signing {
		s.signing = kid
		s.signerChanges++
	}
}

// changeFile writes a random selection of the keys in random order, sometimes none, which is an invalid file.
func (s *simulation) changeFile(t *testing.T) {
	t.Helper()
	letters := []string{"A", "B", "C", "D", "E"}
	s.random.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
	some := letters[:s.random.IntN(len(letters)+1)]
	rewrite(t, s.path, s.keys.file(strings.Join(some, "")))
}
