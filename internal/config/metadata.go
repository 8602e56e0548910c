package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// binarySuffix is the suffix of keys with binary values, which are base64 in text.
const binarySuffix = "-bin"

// Metadata is gRPC metadata that is sent to the upstream. Only its keys are printed, because a value may be a token.
type Metadata map[string]string

// Format writes the keys, for every verb.
func (m Metadata) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, slices.Sorted(maps.Keys(m)))
}

// MarshalJSON writes the keys.
func (m Metadata) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.Sorted(maps.Keys(m)))
}

// CheckMetadataKey returns an error unless configuration or callers may set key. A key contains lower-case letters,
// digits, `-`, `_` and `.`, and is not reserved for HTTP/2, gRPC, the credential or the gateway itself. The error does
// not quote the key.
func CheckMetadataKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case strings.HasPrefix(key, ":"):
		return errors.New("pseudo headers are reserved")
	case strings.HasPrefix(key, "grpc-"), slices.Contains(reservedKeys(), key):
		return errors.New("this key is reserved")
	case strings.ContainsFunc(key, func(r rune) bool { return !isKeyRune(r) }):
		return errors.New("keys may contain only lower-case letters, digits, '-', '_' and '.'")
	}
	return nil
}

// reservedKeys returns the keys of the credential, those that the gateway sets, and those that HTTP/2 or gRPC would
// reject or overwrite.
func reservedKeys() []string {
	return []string{
		"authorization", "temporal-namespace", "host", "content-type", "te", "user-agent",
		"connection", "keep-alive", "proxy-connection", "trailer", "transfer-encoding", "upgrade",
	}
}

func isKeyRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
}

// DecodeMetadata returns the value as gRPC metadata. The value of a -bin key is base64, padded or not, and is decoded.
// Any other value must be printable ASCII. The error does not quote the value.
func DecodeMetadata(key, value string) (string, error) {
	if strings.HasSuffix(key, binarySuffix) {
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		if err != nil {
			return "", errors.New("the value of a -bin key must be base64")
		}
		return string(data), nil
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errors.New("the value must be printable ASCII")
	}
	return value, nil
}
