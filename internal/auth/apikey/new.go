package apikey

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// secretEntropy is the number of random bytes in a secret, and secretLength the
// number of base 62 digits that encode them.
const (
	secretEntropy = 32
	secretLength  = 43
)

// New generates an API key for id from the bytes of random. It returns the key and
// its entry for the keys file. The entry contains only the hash: the key is printed
// once and stored nowhere. An entry without grants permits nothing. A grant has either a role
// or operations.
func New(id string, random io.Reader, grants ...auth.Grant) (key, entryYAML string, err error) {
	if !validID(id) || id == auth.AnonymousName {
		return "", "", errors.New("the id must be 1 to 32 of a-z, 0-9 and -, and not \"anonymous\"")
	}
	entropy := make([]byte, secretEntropy)
	if _, err := io.ReadFull(random, entropy); err != nil {
		return "", "", fmt.Errorf("reading random bytes: %w", err)
	}
	presented := base62(entropy)
	items := make([]string, len(grants))
	for i, grant := range grants {
		permitted := "role: " + grant.Role.String()
		if grant.Operations != 0 {
			permitted = "operations: [" + strings.Join(grant.Operations.Names(), ", ") + "]"
		}
		items[i] = fmt.Sprintf("{namespace: %q, %s}", grant.Namespace, permitted)
	}
	entry := fmt.Sprintf("  - id: \"%s\"\n    secrets: [{sha256: \"%x\"}]\n    grants: [%s]\n",
		id, sha256.Sum256([]byte(presented)), strings.Join(items, ", "))
	if _, err := parser("", Options{}.withDefaults())([]byte(fileHeader+entry), nil); err != nil {
		return "", "", err
	}
	return prefix + id + "_" + presented, entry, nil
}

// fileHeader is the first line of a keys file that [Append] creates.
const fileHeader = "keys:\n"

// Append appends an entry of [New] to the keys file at path. It creates the file, with mode 0600, if it does not exist.
// It does not change a file that would be invalid with the entry, such as one that has an entry with the same id.
func Append(path, entryYAML string) error {
	content, err := os.ReadFile(path)
	addition := entryYAML
	switch {
	case errors.Is(err, fs.ErrNotExist):
		addition = fileHeader + entryYAML
	case err != nil:
		return err
	case !strings.HasSuffix(string(content), "\n"):
		addition = "\n" + entryYAML
	}
	options := Options{Mint: auth.NoCredential()}.withDefaults() // only "gateway check" validates the signing key
	if _, err := parser(filepath.Dir(path), options)(append(content, addition...), nil); err != nil {
		return fmt.Errorf("with the new entry, the file would be invalid: %w", yamlnode.InFile(path, err))
	}
	const onlyOwner = 0o600
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, onlyOwner)
	if err != nil {
		return err
	}
	_, err = file.WriteString(addition)
	return errors.Join(err, file.Close())
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
