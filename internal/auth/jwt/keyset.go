package jwt

import (
	"slices"
	"time"
)

// maxKeys is how many keys an issuer may have.
const maxKeys = 64

// keySet is one version of an issuer's keys, never changed after it was made.
type keySet struct {
	keys []*key
	// fetched is when the issuer was last seen to publish them. Keys of a file have no such time.
	fetched time.Time
}

// update makes the version after s, which may be nil, of keys. Those that s has too keep their identity.
func (s *keySet) update(keys []*key, fetched time.Time) *keySet {
	next := &keySet{keys: slices.Clone(keys), fetched: fetched}
	if s == nil {
		return next
	}
	for i, k := range next.keys {
		if at := slices.IndexFunc(s.keys, k.equal); at >= 0 {
			next.keys[i] = s.keys[at]
		}
	}
	return next
}

// contains tells whether the very key is in the set. A set is a handful of pointers, so this is cheaper than any index.
func (s *keySet) contains(k *key) bool { return slices.Contains(s.keys, k) }

// hasKid tells whether any key has the kid.
func (s *keySet) hasKid(kid string) bool {
	return slices.ContainsFunc(s.keys, func(k *key) bool { return k.kid == kid })
}

// findByKid gives the one key that has the kid and fits the algorithm.
func (s *keySet) findByKid(kid, alg string) *key {
	return s.single(func(k *key) bool { return k.kid == kid && k.supports(alg) })
}

// findByAlgorithm gives the key for a token that names none: the only one that fits. Among several none is tried, because a key
// that answers to tokens which do not name it is bound to nothing.
func (s *keySet) findByAlgorithm(alg string) *key {
	return s.single(func(k *key) bool { return k.supports(alg) })
}

// single gives the one key that ok holds for; nil when there are none or several.
func (s *keySet) single(ok func(*key) bool) *key {
	first := slices.IndexFunc(s.keys, ok)
	if first < 0 || slices.ContainsFunc(s.keys[first+1:], ok) {
		return nil
	}
	return s.keys[first]
}
