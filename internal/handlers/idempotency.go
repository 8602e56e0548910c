package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

// headerIdempotencyKey is the header of draft-ietf-httpapi-idempotency-key-header.
const headerIdempotencyKey = "Idempotency-Key"

// maxIdempotencyKey bounds the header; a UUID is 36.
const maxIdempotencyKey = 255

// digestBytes is the length of each half of a request id: 128 bits, so that
// nobody finds two inputs with one digest.
const digestBytes = 16

// maxReordered is the largest body, in bytes, whose members are sorted: half a
// million members, which 4 MB can hold, would take seconds and 100 MB.
const maxReordered = 256 << 10

// RequestID gives the request id of a write on target. Without an
// Idempotency-Key it is random and covers just the gateway's own retries. With
// one it is the same on every replica, so that the server recognises the repeated
// call. It has two halves, each a hash:
//
//   - of the key, and of what the key counts for: the caller, the namespace, the
//     operation and its target;
//   - of the body. The server must not take another body for the same write: its
//     caller would get the result of what it did not ask for.
//
// Equal first halves with different second ones are a key that is used again.
func (c *operationRequest) requestID(target ...string) (string, error) {
	key, err := idempotencyKey(c.request.Header)
	if err != nil {
		return "", err
	}
	if key == "" {
		return uuid.NewString(), nil
	}
	scope := append([]string{c.Principal.Name, c.Principal.TokenDigest, c.namespace, c.name, key}, target...)
	return hex.EncodeToString(digest(scope...)) + "-" + hex.EncodeToString(c.bodyDigest), nil
}

// idempotencyKey reads the header; none is empty.
func idempotencyKey(h http.Header) (string, error) {
	key, err := request.Single(h, headerIdempotencyKey)
	if err != nil {
		return "", err
	}
	if _, sent := h[headerIdempotencyKey]; sent && (key == "" || len(key) > maxIdempotencyKey) {
		// An empty one is a variable that was not set: its caller believes to be safe.
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

// digestOf hashes a body that was decoded without an error. White space, the
// order of members and the escapes of strings do not count: a client need not
// write its request in the same way twice. Numbers count as they are written,
// because they pass byte for byte. So does the order of members in a body above
// maxReordered. It overwrites the body.
func digestOf(body jsontext.Value) []byte {
	if len(body) == 0 {
		body = jsontext.Value("{}") // which means the same where the body is optional
	}
	_ = body.Format( // never fails on valid JSON
		jsontext.ReorderRawObjects(len(body) <= maxReordered),
		jsontext.AllowDuplicateNames(true), // the decoder has refused them, and to look again costs memory
	)
	sum := sha256.Sum256(body)
	return sum[:digestBytes]
}

// reusedIn reports whether a run has the request id of the same key with another
// body.
func reusedIn(run *workflow.WorkflowExecutionExtendedInfo, requestID string) bool {
	for known := range run.GetRequestIdInfos() {
		if reuses(known, requestID) {
			return true
		}
	}
	return false
}

// reuses reports whether two request ids have the same first half alone. UUIDs,
// which stand for requests without a key, have a dash too, elsewhere.
func reuses(known, requestID string) bool {
	key, _, _ := strings.Cut(requestID, "-")
	before, _, _ := strings.Cut(known, "-")
	return before == key && len(known) == len(requestID) && len(key) == hex.EncodedLen(digestBytes) && known != requestID
}

// reusedBy replaces the server's refusal of a start by the gateway's when the run
// that is there was started with the same key and another body.
func reusedBy(err error, workflowID, requestID string) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	for _, detail := range e.Upstream.Details() {
		already, is := detail.(*errordetails.WorkflowExecutionAlreadyStartedFailure)
		if is && reuses(already.GetStartRequestId(), requestID) {
			return keyReused(workflowID, already.GetRunId())
		}
	}
	return err
}

// keyReused is the refusal of a key that came with another body.
func keyReused(workflowID, runID string) error {
	e := problem.New(problem.IdempotencyKeyReused, "The Idempotency-Key has started this workflow with another request body.")
	e.Members.WorkflowID, e.Members.RunID = workflowID, runID
	return e
}
