package config

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// binarySuffix ends the keys whose values are bytes, written in base64 wherever text is needed.
const binarySuffix = "-bin"

// Metadata is gRPC metadata to send upstream. It prints its keys only, because a value may be a tenant's token.
type Metadata map[string]string

// Format writes the keys, for every verb.
func (m Metadata) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, slices.Sorted(maps.Keys(m)))
}

// MarshalJSON writes the keys.
func (m Metadata) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.Sorted(maps.Keys(m)))
}

// CheckMetadataKey tells whether key may be set by configuration or by callers: lower-case letters, digits, `-`, `_`
// and `.`, and none of the keys that belong to HTTP/2, to gRPC, to the credential or to the gateway itself. The error
// says which, without the key.
func CheckMetadataKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case strings.HasPrefix(key, ":"):
		return errors.New("pseudo headers are reserved")
	case strings.HasPrefix(key, "grpc-"), slices.Contains(reservedKeys(), key):
		return errors.New("this key is reserved")
	case strings.ContainsFunc(key, func(r rune) bool { return !isKeyRune(r) }):
		return errors.New("keys hold lower-case letters, digits, '-', '_' and '.' only")
	}
	return nil
}

// reservedKeys are the credential, what the gateway sets itself, and what HTTP/2 or gRPC would refuse or overwrite.
func reservedKeys() []string {
	return []string{
		"authorization", "temporal-namespace", "host", "content-type", "te", "user-agent",
		"connection", "keep-alive", "proxy-connection", "trailer", "transfer-encoding", "upgrade",
	}
}

func isKeyRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
}

// DecodeMetadata returns the value as it goes into gRPC metadata: a value of a -bin key is base64, padded or not, and
// becomes its bytes; any other must be printable ASCII. The error does not quote the value.
func DecodeMetadata(key, value string) (string, error) {
	if strings.HasSuffix(key, binarySuffix) {
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		if err != nil {
			return "", errors.New("a -bin key needs a value in base64")
		}
		return string(data), nil
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errors.New("the value must be printable ASCII")
	}
	return value, nil
}
