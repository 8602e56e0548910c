package jwt

import (
	"slices"
	"time"
)

// maxKeys is the maximum number of an issuer's keys.
const maxKeys = 64

// keySet is one version of an issuer's keys. It is immutable.
type keySet struct {
	keys []*key
	// fetched is when the keys were last fetched from the issuer. It is zero for keys from a file.
	fetched time.Time
}

// update returns the key set that follows s, which may be nil. Keys that are also in s keep their pointers.
func (s *keySet) update(keys []*key, fetched time.Time) *keySet {
	next := &keySet{keys: slices.Clone(keys), fetched: fetched}
	if s == nil {
		return next
	}
	for i, k := range next.keys {
		if j := slices.IndexFunc(s.keys, k.equal); j >= 0 {
			next.keys[i] = s.keys[j]
		}
	}
	return next
}

// contains reports whether k itself is in the set. A set has few keys, so a search is cheaper than an index.
func (s *keySet) contains(k *key) bool { return slices.Contains(s.keys, k) }

// hasKid reports whether any key has the kid.
func (s *keySet) hasKid(kid string) bool {
	return slices.ContainsFunc(s.keys, func(k *key) bool { return k.kid == kid })
}

// findByKid returns the only key that has the kid and supports the algorithm, or nil.
func (s *keySet) findByKid(kid, alg string) *key {
	return s.single(func(k *key) bool { return k.kid == kid && k.supports(alg) })
}

// findByAlgorithm returns the key for a token without kid: the only key that supports the algorithm, or nil. If several
// keys support it, none is tried, because such a token is not bound to any of them.
func (s *keySet) findByAlgorithm(alg string) *key {
	return s.single(func(k *key) bool { return k.supports(alg) })
}

// single returns the only key that match accepts, or nil if there are none or several.
func (s *keySet) single(match func(*key) bool) *key {
	first := slices.IndexFunc(s.keys, match)
	if first < 0 || slices.ContainsFunc(s.keys[first+1:], match) {
		return nil
	}
	return s.keys[first]
}
