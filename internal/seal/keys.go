package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// Keys seals and opens texts. The first key seals. A text that any of the keys has
// sealed can be opened.
type Keys struct {
	keys [][]byte
}

// macBytes is the number of bytes of the HMAC-SHA256 that a sealed text contains
// (RFC 2104 section 5 allows truncation to half).
const macBytes = 16

// minKeyBytes is the recommended key size of HMAC-SHA256, in bytes.
const minKeyBytes = 32

// Open reads keys from files. Without files it generates a random key: sealed
// texts are then valid on this replica only, until it stops.
func Open(files []string) (*Keys, error) {
	if len(files) == 0 {
		key := make([]byte, minKeyBytes)
		_, _ = rand.Read(key) // never fails
		return New(key)
	}
	var keys [][]byte
	for _, file := range files {
		key, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("token key: %w", err)
		}
		keys = append(keys, key)
	}
	return New(keys...)
}

// New returns a [Keys] with the given keys. It returns an error if a key has fewer
// than 32 bytes.
func New(keys ...[]byte) (*Keys, error) {
	for _, key := range keys {
		if len(key) < minKeyBytes {
			return nil, fmt.Errorf("token key: shorter than %d bytes", minKeyBytes)
		}
	}
	return &Keys{keys}, nil
}

// Scope is what a sealed text is bound to. Its first part names the purpose,
// which determines the other parts.
type Scope []string

// Seal returns the content with an HMAC over content and scope, in base64url.
// The content is not encrypted.
func (k *Keys) Seal(scope Scope, content []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(scope.mac(k.keys[0], content), content...))
}

// Open returns the content of a text that was sealed in the same scope. ok is
// false for any other text.
func (k *Keys) Open(scope Scope, text string) (content []byte, ok bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sealed) < macBytes || strings.ContainsAny(text, "\r\n") { // the decoder skips line breaks, even when strict
		return nil, false
	}
	content = sealed[macBytes:]
	for _, key := range k.keys {
		if hmac.Equal(sealed[:macBytes], scope.mac(key, content)) {
			return content, true
		}
	}
	return nil, false
}

func (s Scope) mac(key, content []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%d;", len(s))
	for _, part := range s {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part) // the lengths make the encoding of the parts unique
	}
	_, _ = mac.Write(content)
	return mac.Sum(nil)[:macBytes]
}
