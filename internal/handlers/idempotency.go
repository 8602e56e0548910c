package handlers

import (
	"crypto/sha256"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

// maxIdempotencyKey bounds the header; a UUID is 36.
const maxIdempotencyKey = 255

// requestID gives the request id of a write. With an Idempotency-Key it is a
// hash of who calls, what, on what, and the key: the same on every replica, so
// that the server recognises the repeated call. Without one it is random and
// covers just the gateway's own retries.
func requestID(h http.Header, principal, namespace, operation, target string) (string, error) {
	key, err := request.Single(h, "Idempotency-Key")
	if err != nil {
		return "", err
	}
	switch _, sent := h["Idempotency-Key"]; {
	case !sent:
		return uuid.NewString(), nil
	case key == "", len(key) > maxIdempotencyKey: // an empty one is a variable that was not set: its caller believes to be safe
		return "", problem.Invalid("Idempotency-Key", fmt.Sprintf("must have 1 to %d characters", maxIdempotencyKey))
	}
	hash := sha256.New()
	for _, part := range []string{principal, namespace, operation, target, key} {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	id, _ := uuid.FromBytes(hash.Sum(nil)[:16])
	return setVersion8(id).String(), nil
}

// setVersion8 marks a UUID as made by the application (RFC 9562 section 5.8).
func setVersion8(id uuid.UUID) uuid.UUID {
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}
