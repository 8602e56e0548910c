package mint

import (
	"bytes"
	"slices"
	"time"

	"github.com/flowgate/flowgate/internal/cache"
)

// keySet is what is published and what signs at one moment. It never changes: turn makes the next one.
type keySet struct {
	published []publishedKey
	// signer is one of the published keys, nil only in the ring before the first.
	signer *key
	// tokens are those that signer has signed.
	tokens *cache.TwoGeneration[subject, mintedToken]
	// jwks is the published set.
	jwks []byte
}

// publishedKey is a published key.
type publishedKey struct {
	*key
	// since is when it was published, without a break until now.
	since time.Time
	// signed is when it was last known to sign, zero when it never did.
	signed time.Time
}

// timing says how slowly keys come and go.
type timing struct {
	// ahead is how long a key is published before it signs.
	ahead time.Duration
	// retain is how long it stays published when it signs no more.
	retain time.Duration
}

// rotate brings a ring to a later moment, when keys are those of the file. What signed before goes on, even when it has
// left the file, until servers have had the time to learn of the file's first key.
func (r *keySet) rotate(now time.Time, keys []*key, t timing) *keySet {
	next := &keySet{signer: r.signer, tokens: r.tokens}
	for _, k := range keys {
		next.published = append(next.published, r.publish(k, now))
	}
	first := next.published[0]
	if r.signer == nil || now.Sub(first.since) >= t.ahead {
		next.signer = first.key
	}
	for _, old := range r.published {
		inFile := slices.ContainsFunc(keys, func(k *key) bool { return k.kid == old.kid })
		old = r.publish(old.key, now)
		if !inFile && now.Sub(old.signed) <= t.retain { // a key that goes on signing did so just now
			next.published = append(next.published, old)
		}
	}
	if next.tokens == nil || next.signer.kid != r.signer.kid {
		next.tokens = cache.NewTwoGeneration[subject, mintedToken](cacheSize)
	}
	next.jwks = next.marshalJWKS()
	return next
}

// publish is the entry of a key in the next ring.
func (r *keySet) publish(k *key, now time.Time) publishedKey {
	p := publishedKey{key: k, since: now}
	for _, old := range r.published {
		if old.kid == k.kid {
			p.since, p.signed = old.since, old.signed
		}
	}
	if r.signer != nil && r.signer.kid == k.kid {
		p.signed = now
	}
	return p
}

// marshalJWKS is the JSON of RFC 7517, section 5.
func (r *keySet) marshalJWKS() []byte {
	keys := make([][]byte, len(r.published))
	for i, p := range r.published {
		keys[i] = p.jwk
	}
	return slices.Concat([]byte(`{"keys":[`), bytes.Join(keys, []byte(",")), []byte(`]}`))
}

// kids names the published keys.
func (r *keySet) kids() []string {
	names := make([]string, len(r.published))
	for i, p := range r.published {
		names[i] = p.kid
	}
	return names
}
