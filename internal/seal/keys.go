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

// Keys seal and open texts. The first seals, all open.
type Keys struct {
	keys [][]byte
}

// macBytes is how much of the HMAC-SHA256 a text carries (RFC 2104 section 5
// allows half).
const macBytes = 16

// minKeyBytes is HMAC-SHA256's recommended key size.
const minKeyBytes = 32

// Open reads the key files. Without files it makes a random key, so that what
// is sealed is good on this replica and until it stops.
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

// New takes keys of at least 32 bytes.
func New(keys ...[]byte) (*Keys, error) {
	for _, key := range keys {
		if len(key) < minKeyBytes {
			return nil, fmt.Errorf("token key: shorter than %d bytes", minKeyBytes)
		}
	}
	return &Keys{keys}, nil
}

// Scope is what a sealed text is bound to. Its first part names the purpose,
// and the number of parts is the purpose's own.
type Scope []string

// Seal gives content, readable for everybody, with the proof that it was sealed
// in this scope, as letters that stand in a URL.
func (k *Keys) Seal(scope Scope, content []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(scope.mac(k.keys[0], content), content...))
}

// Open gives back what was sealed in the same scope.
func (k *Keys) Open(scope Scope, text string) (content []byte, ok bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sealed) < macBytes || strings.ContainsAny(text, "\r\n") { // which base64 skips, even when strict
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
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part) // lengths keep the parts apart
	}
	_, _ = mac.Write(content)
	return mac.Sum(nil)[:macBytes]
}
