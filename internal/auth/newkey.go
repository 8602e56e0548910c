package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// secretEntropy is the number of random bytes in a secret, and secretLength
// the number of base 62 digits that hold them.
const (
	secretEntropy = 32
	secretLength  = 43
)

// NewKey makes an API key for id from the bytes of random, and the entry for
// the keys file, which holds only the hash: the key itself is shown once and
// kept nowhere. The entry grants nothing until the operator fills it in.
func NewKey(id string, random io.Reader) (key, entryYAML string, err error) {
	if !validID(id) || id == anonymousName {
		return "", "", errors.New("the id must be 1 to 32 of a-z, 0-9 and -, and not \"anonymous\"")
	}
	entropy := make([]byte, secretEntropy)
	if _, err := io.ReadFull(random, entropy); err != nil {
		return "", "", fmt.Errorf("reading random bytes: %w", err)
	}
	presented := base62(entropy)
	entry := fmt.Sprintf("  - id: \"%s\"\n    secrets: [{sha256: \"%x\"}]\n    grants: []\n",
		id, sha256.Sum256([]byte(presented)))
	return keyPrefix + id + "_" + presented, entry, nil
}

// HashKey gives the id of an API key that exists, and what stands among the
// secrets of its entry in the keys file. Its error does not quote the key.
func HashKey(key string) (id, secretYAML string, err error) {
	id, presented, ok := splitKey(key)
	if !ok {
		return "", "", fmt.Errorf("that is no API key: it must be %s<id>_<secret>, the secret at least %d letters and digits", keyPrefix, minSecret)
	}
	return id, fmt.Sprintf("{sha256: \"%x\"}", sha256.Sum256([]byte(presented))), nil
}

// base62 writes the bytes as one number. A digit for a byte modulo 62 would
// favour some digits; one number keeps every bit of the entropy.
func base62(entropy []byte) string {
	text := new(big.Int).SetBytes(entropy).Text(62)
	return strings.Repeat("0", secretLength-len(text)) + text
}
