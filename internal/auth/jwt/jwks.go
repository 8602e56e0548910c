package jwt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowgate/flowgate/internal/auth/jwk"
)

// parseJWKS parses a key set. It skips keys that none of the algorithms can use, and returns the reasons: an issuer may
// publish keys for other purposes, and kinds of keys that the gateway does not support. A set without a usable key is
// an error, as is a text that is not a JWKS.
func parseJWKS(content []byte, algorithms []string) (keys []*key, skipped []string, err error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err = json.Unmarshal(content, &set); err != nil {
		return nil, nil, errors.New("the response is not a JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	for i, text := range set.Keys {
		parsed, err := jwk.Parse(text)
		k := &key{kid: parsed.ID, alg: parsed.Algorithm, public: parsed.Public}
		switch {
		case err != nil:
			skipped = append(skipped, fmt.Sprintf("keys[%d]: %s", i, err))
		case !k.supportsAny(algorithms):
			skipped = append(skipped, fmt.Sprintf("keys[%d]: matches none of the issuer's algorithms", i))
		case !slices.ContainsFunc(keys, k.equal):
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, skipped, errors.New("the set has no usable key")
	}
	return keys, skipped, nil
}
