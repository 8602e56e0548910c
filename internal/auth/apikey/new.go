package apikey

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
)

// secretEntropy is the number of random bytes in a secret, and secretLength the
// number of base 62 digits that encode them.
const (
	secretEntropy = 32
	secretLength  = 43
)

// New generates an API key for id from the bytes of random. It returns the key and
// its entry for the keys file. The entry contains only the hash: the key is printed
// once and stored nowhere. The entry grants nothing until the operator adds grants.
func New(id string, random io.Reader) (key, entryYAML string, err error) {
	if !validID(id) || id == auth.AnonymousName {
		return "", "", errors.New("the id must be 1 to 32 of a-z, 0-9 and -, and not \"anonymous\"")
	}
	entropy := make([]byte, secretEntropy)
	if _, err := io.ReadFull(random, entropy); err != nil {
		return "", "", fmt.Errorf("reading random bytes: %w", err)
	}
	presented := base62(entropy)
	entry := fmt.Sprintf("  - id: \"%s\"\n    secrets: [{sha256: \"%x\"}]\n    grants: []\n",
		id, sha256.Sum256([]byte(presented)))
	return prefix + id + "_" + presented, entry, nil
}

// Hash returns the id of an existing API key, and the item for the list of
// secrets of its entry in the keys file. The error does not quote the key.
func Hash(key string) (id, secretYAML string, err error) {
	id, presented, ok := split(key)
	if !ok {
		return "", "", fmt.Errorf("not an API key: it must have the form %s<id>_<secret>, with at least %d letters and digits in the secret",
			prefix, minSecretLen)
	}
	return id, fmt.Sprintf("{sha256: \"%x\"}", sha256.Sum256([]byte(presented))), nil
}

// base62 encodes the bytes as one number, which keeps every bit of the entropy. One
// digit per byte, modulo 62, would be biased.
func base62(entropy []byte) string {
	text := new(big.Int).SetBytes(entropy).Text(62)
	return strings.Repeat("0", secretLength-len(text)) + text
}
