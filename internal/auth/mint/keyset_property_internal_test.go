package mint

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// keySetModel is a key set, with a record of when its keys were published and signed.
type keySetModel struct {
	set    *keySet
	timing timing
	now    time.Time
	file   []*key

	publishedSince map[string]time.Time // by kid, for each published key
	lastSigned     map[string]time.Time // by kid
}

// changeFile replaces the key file with a random selection of five keys in random order.
func (m *keySetModel) changeFile(t *rapid.T) {
	kids := rapid.Permutation([]string{"A", "B", "C", "D", "E"}).Draw(t, "kids")
	m.file = nil
	for _, kid := range kids[:rapid.IntRange(1, len(kids)).Draw(t, "keys")] {
		m.file = append(m.file, &key{kid: kid, jwk: []byte(`{"kid":"` + kid + `"}`)})
	}
}

// rotate rotates the keys after a random time.
func (m *keySetModel) rotate(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
	old := m.set
	if old.signer != nil {
		m.lastSigned[old.signer.kid] = m.now // the key may have signed until now
	}
	m.set = old.rotate(m.now, m.file, m.timing)
	kids := m.set.kids()
	for _, kid := range kids {
		if _, published := m.publishedSince[kid]; !published {
			m.publishedSince[kid] = m.now
		}
	}
	for kid := range m.publishedSince {
		if !slices.Contains(kids, kid) {
			delete(m.publishedSince, kid)
		}
	}
	m.checkSigner(t, old)
	m.checkPublished(t)
}

// checkSigner requires that the signing key was published long enough.
func (m *keySetModel) checkSigner(t *rapid.T, old *keySet) {
	signer := m.set.signer.kid
	require.Contains(t, m.set.kids(), signer)
	if old.signer == nil {
		require.Equal(t, m.file[0].kid, signer, "the first key signs immediately after the start")
		return
	}
	changed := signer != old.signer.kid
	if changed {
		require.Equal(t, m.file[0].kid, signer)
		require.GreaterOrEqual(t, m.now.Sub(m.publishedSince[signer]), m.timing.ahead, "a new key is published before it signs")
	} else if m.file[0].kid != signer {
		require.Less(t, m.now.Sub(m.publishedSince[m.file[0].kid]), m.timing.ahead, "the first key in the file signs as soon as it was published long enough")
	}
	require.Equal(t, changed, m.set.tokens != old.tokens, "tokens are kept as long as their key signs")
}

// checkPublished requires that all keys in the file are published, and of the other
// keys exactly those whose tokens may not have expired.
func (m *keySetModel) checkPublished(t *rapid.T) {
	kids := m.set.kids()
	var file []string
	for _, k := range m.file {
		file = append(file, k.kid)
	}
	require.Equal(t, file, kids[:len(file)], "the keys in the file come first, in their order")
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(kids))), len(kids), "no key is published twice")
	for _, kid := range kids[len(file):] {
		require.LessOrEqual(t, m.now.Sub(m.lastSigned[kid]), m.timing.retain)
	}
	for kid, signed := range m.lastSigned {
		if m.now.Sub(signed) <= m.timing.retain {
			require.Contains(t, kids, kid, "tokens of the key may not have expired")
		}
	}
	var set struct {
		Keys []struct {
			Kid string `json:"kid"`
		} `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(m.set.jwks, &set))
	var published []string
	for _, k := range set.Keys {
		published = append(published, k.Kid)
	}
	require.Equal(t, kids, published)
}

// TestKeysRotate changes the key file and rotates the keys in random order.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &keySetModel{
			set: &keySet{}, now: time.Unix(1_800_000_000, 0),
			timing:         timing{ahead: time.Duration(rapid.IntRange(0, 120).Draw(t, "ahead")) * time.Second, retain: 3 * time.Minute},
			publishedSince: map[string]time.Time{}, lastSigned: map[string]time.Time{},
		}
		m.changeFile(t)
		m.rotate(t)
		t.Repeat(map[string]func(*rapid.T){"changeFile": m.changeFile, "rotate": m.rotate})
	})
}
