package jwk

import (
	"crypto"
	"encoding/base64"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Thumbprint returns the SHA-256 thumbprint of a key, which serves as its kid (RFC 7638 section 3, RFC 8037 section 2).
// It returns an error for keys that do not pass [Check].
func Thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("no thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
