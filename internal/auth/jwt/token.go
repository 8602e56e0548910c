package jwt

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/auth/jwk"
)

// maxToken is the maximum length of a token, in bytes.
const maxToken = 8 << 10

// token is a parsed, unverified token. Its fields suffice to select an issuer and a key, and to reject many invalid
// tokens without any cryptography.
type token struct {
	raw    string
	alg    string
	kid    string // empty if there is none
	typ    string // in lower case, without "application/"
	claims map[string]any
}

// parse parses a token and rejects what golang-jwt accepts: line breaks in base64, duplicate members, which two parsers
// may read differently, and header parameters that change the meaning of a signature or contain a key (RFC 8725 section
// 3.10, RFC 7515 section 4.1.11).
func parse(raw string) (*token, error) {
	if len(raw) > maxToken {
		return nil, errors.New("the token is too long")
	}
	segments := strings.Split(raw, ".")
	const segmentCount = 3
	if len(segments) != segmentCount {
		return nil, errors.New("the token does not have three segments")
	}
	header, err := decodeObject(segments[0])
	if err != nil {
		return nil, err
	}
	claims, err := decodeObject(segments[1])
	if err != nil {
		return nil, err
	}
	if _, err = decode(segments[2]); err != nil {
		return nil, err
	}
	t := &token{raw: raw, claims: claims}
	return t, t.readHeader(header)
}

// decode decodes canonical base64url without padding (RFC 7515 section 2), in which each byte sequence has exactly one
// encoding. The decoder of the standard library skips line breaks even in strict mode.
func decode(segment string) ([]byte, error) {
	if strings.ContainsAny(segment, "\r\n") {
		return nil, errors.New("a segment contains a line break")
	}
	content, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, errors.New("a segment is not canonical base64url")
	}
	return content, nil
}

// decodeObject decodes a segment that is a JSON object in valid UTF-8, without duplicate members at any depth. It drops
// the error of the JSON decoder, which may quote names from the token.
func decodeObject(segment string) (map[string]any, error) {
	content, err := decode(segment)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if err = json.Unmarshal(content, &members); err != nil || members == nil {
		return nil, errors.New("a segment is not a JSON object in UTF-8 without duplicate members")
	}
	return members, nil
}

func (t *token) readHeader(header map[string]any) error {
	for _, name := range []string{"crit", "b64", "jku", "jwk", "x5u", "x5c"} {
		if _, present := header[name]; present {
			return errors.New("the header has the parameter " + name)
		}
	}
	var ok bool
	if t.alg, ok = header["alg"].(string); !ok {
		return errors.New("the header's alg is not a string")
	}
	if kid, present := header["kid"]; present {
		if t.kid, ok = kid.(string); !ok || !jwk.ValidID(t.kid) {
			return errors.New("the header's kid is not a string of 1 to 128 printable characters")
		}
	}
	// A token without typ is a plain JWT: issuers set other types explicitly (RFC 8725 section 3.11).
	t.typ = "jwt"
	if typ, present := header["typ"]; present {
		if t.typ, ok = typ.(string); !ok {
			return errors.New("the header's typ is not a string")
		}
		t.typ = strings.TrimPrefix(strings.ToLower(t.typ), "application/")
	}
	return nil
}

// issuer returns the unverified iss, empty if it is not a string.
func (t *token) issuer() string {
	iss, _ := t.claims["iss"].(string)
	return iss
}

// isIDToken reports whether the token is an ID token, which identifies a user to an application (OpenID Connect Core
// section 2). An ID token does not authorise API calls, and is sent to more parties (RFC 8725 section 3.12).
func (t *token) isIDToken() bool {
	return slices.ContainsFunc([]string{"nonce", "at_hash"}, func(name string) bool {
		_, present := t.claims[name]
		return present
	})
}
