package operation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

// headerIdempotencyKey is the header of draft-ietf-httpapi-idempotency-key-header.
const headerIdempotencyKey = "Idempotency-Key"

// headerReplayed marks the response to a repeated request that had no effect of its own.
const headerReplayed = "Idempotent-Replayed"

// maxIdempotencyKey bounds the length of the header. A UUID has 36 characters.
const maxIdempotencyKey = 255

// digestBytes is the length of each digest in a request id: 128 bits, so that no caller
// finds two inputs with the same digest.
const digestBytes = 16

// maxSortedBytes is the size of the largest body whose members are sorted before it is
// hashed. A body of 4 MB can have half a million members, and sorting them would take
// seconds and 100 MB.
const maxSortedBytes = 256 << 10

// maxSortedDepth is how deep objects and lists are nested in the deepest body whose
// members are sorted. Sorting moves a member once for each level above it, so that the
// time grows with the depth times the size.
const maxSortedDepth = 100

// requestID returns the request id of a write on target. Without an Idempotency-Key it
// is random, and identifies only the gateway's own retries. With a key it is the same
// on every replica, so that the server deduplicates the repeated call. It then consists
// of two digests:
//
//   - one of the key and its scope: the caller, the namespace, the operation and its
//     target;
//   - one of the body. Without it, a caller that reuses a key with another body would
//     receive the result of the first request.
//
// Two request ids that differ only in the second digest show that a key was reused.
func (req *Request) requestID(target ...string) (string, error) {
	key, err := idempotencyKey(req.HTTP.Header)
	if err != nil {
		return "", err
	}
	if key == "" {
		return uuid.NewString(), nil
	}
	scope := append([]string{req.Principal.Name, req.Principal.TokenDigest, req.Namespace, req.Name, key}, target...)
	return hex.EncodeToString(digest(scope...)) + "-" + hex.EncodeToString(req.bodyDigest), nil
}

// HasIdempotencyKey reports whether the caller sent an Idempotency-Key.
func (req *Request) HasIdempotencyKey() bool {
	return req.HTTP.Header.Get(headerIdempotencyKey) != ""
}

// idempotencyKey returns the value of the header, or an empty string if it is absent.
func idempotencyKey(h http.Header) (string, error) {
	key, err := request.Single(h, headerIdempotencyKey)
	if err != nil {
		return "", err
	}
	if _, sent := h[headerIdempotencyKey]; sent && (key == "" || len(key) > maxIdempotencyKey) {
		// A caller whose variable for the key is not set sends an empty one, and would
		// rely on a key that has no effect.
		return "", problem.Invalid(headerIdempotencyKey, fmt.Sprintf("must have 1 to %d characters", maxIdempotencyKey))
	}
	return key, nil
}

// digest hashes parts, each with its length, so that different lists are never hashed as
// the same text.
func digest(parts ...string) []byte {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hash.Sum(nil)[:digestBytes]
}

// digestBody hashes a body that was decoded without an error. White space, the order of
// members and the escapes in strings do not affect the digest, because a client may
// write them differently when it repeats a request. The notation of numbers does,
// because numbers are passed on byte for byte. So does the order of members in a body
// larger than maxSortedBytes or deeper than maxSortedDepth. digestBody overwrites the
// body.
func digestBody(body jsontext.Value) []byte {
	if len(body) == 0 {
		body = jsontext.Value("{}") // equivalent where the body is optional
	}
	_ = body.Format( // never fails on valid JSON
		jsontext.ReorderRawObjects(len(body) <= maxSortedBytes && !deeperThan(body, maxSortedDepth)),
		jsontext.AllowDuplicateNames(true), // the decoder has rejected them, and a second check costs memory
	)
	sum := sha256.Sum256(body)
	return sum[:digestBytes]
}

// deeperThan reports whether more than limit objects and lists are nested in a valid body.
func deeperThan(body jsontext.Value, limit int) bool {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			for i++; body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if depth++; depth > limit {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
