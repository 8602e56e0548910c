package mint

import (
	"bytes"
	"slices"
	"time"

	"github.com/flowgate/flowgate/internal/cache"
)

// keySet contains the published keys and the signing key at one time. It is immutable: rotate returns the next one.
type keySet struct {
	published []publishedKey
	// signer is one of the published keys. It is nil only in the zero value.
	signer *key
	// tokens caches the tokens that signer has signed.
	tokens *cache.TwoGeneration[subject, mintedToken]
	// jwks is the published set in JSON.
	jwks []byte
}

// publishedKey is a key in the published set.
type publishedKey struct {
	*key
	// publishedSince is when the key was added to the published set.
	publishedSince time.Time
	// lastSigned is when the key was last the signing key; zero if never.
	lastSigned time.Time
}

// timing contains the delays of a rotation.
type timing struct {
	// ahead is how long a key is published before it signs.
	ahead time.Duration
	// retain is how long a key stays published after it has stopped signing.
	retain time.Duration
}

// rotate returns the key set at the time now, given the keys of the file. The current key continues to sign, even if it
// is no longer in the file, until servers have had time to fetch the file's first key.
func (s *keySet) rotate(now time.Time, keys []*key, t timing) *keySet {
	next := &keySet{signer: s.signer, tokens: s.tokens}
	for _, k := range keys {
		next.published = append(next.published, s.publish(k, now))
	}
	firstInFile := next.published[0]
	if s.signer == nil || now.Sub(firstInFile.publishedSince) >= t.ahead {
		next.signer = firstInFile.key
	}
	for _, old := range s.published {
		inFile := slices.ContainsFunc(keys, func(k *key) bool { return k.kid == old.kid })
		old = s.publish(old.key, now)
		if !inFile && now.Sub(old.lastSigned) <= t.retain { // lastSigned of the signing key is now
			next.published = append(next.published, old)
		}
	}
	if next.tokens == nil || next.signer.kid != s.signer.kid {
		next.tokens = cache.NewTwoGeneration[subject, mintedToken](cacheSize)
	}
	next.jwks = next.marshalJWKS()
	return next
}

// publish returns the entry for a key in the key set that follows s.
func (s *keySet) publish(k *key, now time.Time) publishedKey {
	p := publishedKey{key: k, publishedSince: now}
	for _, old := range s.published {
		if old.kid == k.kid {
			p.publishedSince, p.lastSigned = old.publishedSince, old.lastSigned
		}
	}
	if s.signer != nil && s.signer.kid == k.kid {
		p.lastSigned = now
	}
	return p
}

// marshalJWKS returns the set in JSON (RFC 7517 section 5).
func (s *keySet) marshalJWKS() []byte {
	keys := make([][]byte, len(s.published))
	for i, p := range s.published {
		keys[i] = p.jwk
	}
	return slices.Concat([]byte(`{"keys":[`), bytes.Join(keys, []byte(",")), []byte(`]}`))
}

// kids returns the ids of the published keys.
func (s *keySet) kids() []string {
	names := make([]string, len(s.published))
	for i, p := range s.published {
		names[i] = p.kid
	}
	return names
}
