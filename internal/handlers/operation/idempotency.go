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

// maxIdempotencyKey bounds the length of the header. A UUID has 36 characters.
const maxIdempotencyKey = 255

// digestBytes is the length of each half of a request id: 128 bits, so that no caller
// finds two inputs with the same digest.
const digestBytes = 16

// maxReordered is the largest body, in bytes, whose members are sorted. A body of 4 MB
// can have half a million members, which would take seconds and 100 MB.
const maxReordered = 256 << 10

// requestID returns the request id of a write on target. Without an Idempotency-Key it
// is random, and identifies only the gateway's own retries. With a key it is the same
// on every replica, so that the server deduplicates the repeated call. It then has two
// halves, each a hash:
//
//   - of the key and its scope: the caller, the namespace, the operation and its
//     target;
//   - of the body. If the server took another body for the same write, the caller
//     would get the result of a request that it did not make.
//
// Request ids that differ in the second half only are a key that was reused.
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

// idempotencyKey returns the value of the header, which is empty if there is none.
func idempotencyKey(h http.Header) (string, error) {
	key, err := request.Single(h, headerIdempotencyKey)
	if err != nil {
		return "", err
	}
	if _, sent := h[headerIdempotencyKey]; sent && (key == "" || len(key) > maxIdempotencyKey) {
		// An empty key is a variable that was not set: the caller would rely on a key
		// that is not there.
		return "", problem.Invalid(headerIdempotencyKey, fmt.Sprintf("must have 1 to %d characters", maxIdempotencyKey))
	}
	return key, nil
}

// digest hashes parts so that no two lists have the same input.
func digest(parts ...string) []byte {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hash.Sum(nil)[:digestBytes]
}

// digestOf hashes a body that was decoded without an error. White space, the order of
// members and the escapes of strings do not count, because a client may write the same
// request differently when it repeats it. Numbers count as they are written, because
// they are passed on byte for byte. So does the order of members in a body above
// maxReordered. digestOf overwrites the body.
func digestOf(body jsontext.Value) []byte {
	if len(body) == 0 {
		body = jsontext.Value("{}") // which means the same where the body is optional
	}
	_ = body.Format( // never fails on valid JSON
		jsontext.ReorderRawObjects(len(body) <= maxReordered),
		jsontext.AllowDuplicateNames(true), // the decoder has rejected them, and a second check costs memory
	)
	sum := sha256.Sum256(body)
	return sum[:digestBytes]
}
