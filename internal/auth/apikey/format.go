package apikey

import (
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
)

// An API key has the form fg_<id>_<secret>. The id is not secret: it selects the
// entry without a search over all hashes, and is the caller's name in the log.
const (
	prefix       = "fg_"
	maxIDLength  = 32
	minSecretLen = 32
)

// split returns the parts of an API key. It checks the form before anything is
// hashed, so that malformed keys cost nothing.
func split(key string) (id, secret string, ok bool) {
	if len(key) > auth.MaxTokenBytes {
		return "", "", false
	}
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && validID(id) && len(secret) >= minSecretLen && allBytes(secret, alphanumeric)
}

// validID reports whether id matches [a-z0-9-]{1,32}.
func validID(id string) bool {
	return id != "" && len(id) <= maxIDLength && allBytes(id, func(c byte) bool { return lowerOrDigit(c) || c == '-' })
}

func lowerOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}

func alphanumeric(c byte) bool {
	return lowerOrDigit(c) || 'A' <= c && c <= 'Z'
}

// allBytes reports whether ok holds for each byte of s. It checks bytes and not runes,
// so that a key has only single-byte characters.
func allBytes(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}
