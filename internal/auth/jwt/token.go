package jwt

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/auth/jwk"
)

// maxToken is the longest that a token may be, in bytes.
const maxToken = 8 << 10

// token is what an unverified token says: enough to select an issuer and a key, and to refuse without any cryptography.
type token struct {
	raw    string
	alg    string
	kid    string // empty when there is none
	typ    string // in lower case, without "application/"
	claims map[string]any
}

// parse takes a token apart, and refuses what golang-jwt lets pass: line breaks inside base64 and members that are there
// twice, which two parsers read in two ways, and header parameters that change what a signature means or bring a key along
// (RFC 8725 section 3.10, RFC 7515 section 4.1.11).
func parse(raw string) (*token, error) {
	if len(raw) > maxToken {
		return nil, errors.New("the token is too long")
	}
	segments := strings.Split(raw, ".")
	const signed = 3
	if len(segments) != signed {
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

// decode reads canonical base64url without padding (RFC 7515 section 2), of which one text is one sequence of bytes. The
// decoder itself skips line breaks, strict or not.
func decode(segment string) ([]byte, error) {
	if strings.ContainsAny(segment, "\r\n") {
		return nil, errors.New("a segment holds a line break")
	}
	content, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, errors.New("a segment is not canonical base64url")
	}
	return content, nil
}

// decodeObject reads a segment that is a JSON object without duplicate members, at any depth, in valid UTF-8. The reader's own
// error is left out because it quotes names.
func decodeObject(segment string) (map[string]any, error) {
	content, err := decode(segment)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if err = json.Unmarshal(content, &members); err != nil || members == nil {
		return nil, errors.New("a segment is not a JSON object in UTF-8 with each member once")
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
		return errors.New("the header's alg is not a text")
	}
	if kid, present := header["kid"]; present {
		if t.kid, ok = kid.(string); !ok || !jwk.ValidID(t.kid) {
			return errors.New("the header's kid is not a text of 1 to 128 printable characters")
		}
	}
	// A token without typ is of the kind that there was before types were (RFC 8725 section 3.11).
	t.typ = "jwt"
	if typ, present := header["typ"]; present {
		if t.typ, ok = typ.(string); !ok {
			return errors.New("the header's typ is not a text")
		}
		t.typ = strings.TrimPrefix(strings.ToLower(t.typ), "application/")
	}
	return nil
}

// issuer is the unverified iss, empty when it is no text.
func (t *token) issuer() string {
	iss, _ := t.claims["iss"].(string)
	return iss
}

// isIDToken tells the tokens that say who has logged in to an application (OpenID Connect Core section 2): they are no
// leave to call an API, and are shown to more parties (RFC 8725 section 3.12).
func (t *token) isIDToken() bool {
	return slices.ContainsFunc([]string{"nonce", "at_hash"}, func(name string) bool {
		_, present := t.claims[name]
		return present
	})
}
