package auth

import (
	"slices"
	"strings"
)

// ReservedMetadata reports whether a metadata key, in lower case, is the
// gateway's or the transport's own, so that neither a principal's metadata nor
// a caller's header may set it. To let one through would let a caller replace
// the upstream credential, leave the namespace it was authorised for, or break
// the HTTP/2 stream that it shares with others.
func ReservedMetadata(key string) bool {
	if strings.HasPrefix(key, ":") || strings.HasPrefix(key, "grpc-") {
		return true
	}
	return slices.Contains([]string{
		"authorization", "temporal-namespace",
		"connection", "content-type", "host", "keep-alive", "proxy-connection",
		"te", "trailer", "transfer-encoding", "upgrade", "user-agent",
	}, key)
}

// validMetadataKey holds a key against gRPC's rule for names. Upper case is
// refused rather than folded, so that a key is written in one way only.
func validMetadataKey(key string) bool {
	return key != "" && every(key, func(c byte) bool {
		return lowerOrDigit(c) || c == '-' || c == '_' || c == '.'
	})
}

// printable holds a value against gRPC's rule for text values; a line break in
// one would be a header of the attacker's making.
func printable(value string) bool {
	return every(value, func(c byte) bool { return ' ' <= c && c <= '~' })
}
