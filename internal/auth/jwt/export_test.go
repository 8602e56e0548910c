package jwt

import "crypto"

// Parse is the pre-parser, for the fuzz test.
func Parse(raw string) (claims map[string]any, alg string, err error) {
	t, err := parse(raw)
	if err != nil {
		return nil, "", err
	}
	return t.claims, t.alg, nil
}

// Thumbprint is the kid of a key in a file.
func Thumbprint(public crypto.PublicKey) string { return thumbprint(public) }
