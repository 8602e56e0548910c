package jwk

import (
	"crypto"
	"encoding/base64"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Thumbprint is the kid of a key that has none given (RFC 7638 section 3, RFC 8037 section 2). It fails for keys that do
// not pass [Check].
func Thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("no thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
