package auth

import "errors"

// RejectionError is why the gateway rejected a credential. It is the cause of the error, which
// is for the log only: a caller that guesses credentials must not learn it. It contains no
// part of a credential except the id of an API key, which is not secret.
type RejectionError struct {
	// Reason is one of a fixed set of texts.
	Reason string
	// KeyID is the id of the API key; it is empty if the credential is not a well-formed
	// API key.
	KeyID string
}

// The reasons for which credentials other than JWTs are rejected. JWTs have many more,
// which package jwt defines.
const (
	ReasonMalformed   = "malformed"      // the form of no credential that the gateway accepts
	ReasonUnknownID   = "unknown id"     // no such entry in the keys file
	ReasonWrongSecret = "wrong secret"   // of a known id
	ReasonExpired     = "expired"        // the secret's notAfter, or the token's expiry, has passed
	ReasonDisabled    = "disabled"       // the secret is right, and its entry is disabled
	ReasonSeal        = "invalid seal"   // no key of tokens.keyFiles has sealed the token
	ReasonDelegator   = "lost delegator" // the creator of the token, or its role, no longer exists
)

// Error returns the reason.
func (r *RejectionError) Error() string { return r.Reason }

// RejectionOf returns the reason why a credential was rejected. It reports false if err
// contains none.
func RejectionOf(err error) (*RejectionError, bool) { return errors.AsType[*RejectionError](err) }
