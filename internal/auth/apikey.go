package auth

import "strings"

// The form of an API key is fg_<id>_<secret>. The id is no secret: it finds
// the entry without a search over all hashes, and names the caller in the log.
const (
	keyPrefix    = "fg_"
	maxIDLength  = 32
	minSecret    = 32
	maxTokenSize = 8 << 10
)

// splitKey takes an API key apart, by form alone. What does not have the form
// is refused before anything is hashed, so that junk costs nothing.
func splitKey(key string) (id, secret string, ok bool) {
	if len(key) > maxTokenSize {
		return "", "", false
	}
	rest, ok := strings.CutPrefix(key, keyPrefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && validID(id) && len(secret) >= minSecret && every(secret, alphanumeric)
}

// validID holds an id against [a-z0-9-]{1,32}.
func validID(id string) bool {
	return id != "" && len(id) <= maxIDLength && every(id, func(c byte) bool { return lowerOrDigit(c) || c == '-' })
}

// visibleASCII holds text against what a bearer token may be: no spaces, no
// controls.
func visibleASCII(s string) bool {
	return every(s, func(c byte) bool { return ' ' < c && c <= '~' })
}

func lowerOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}

func alphanumeric(c byte) bool {
	return lowerOrDigit(c) || 'A' <= c && c <= 'Z'
}

// every reports whether ok holds for each byte of s. Tokens are looked at byte
// by byte, because to a header a rune beyond ASCII is only more bytes.
func every(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}
