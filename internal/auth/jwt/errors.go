package jwt

import (
	"errors"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// invalid returns the error for a rejected token. The caller sees the same text for every cause, because details would
// help an attacker who forges tokens. The cause is for the log. It is a constant text and quotes no part
// of the token.
func invalid(cause string) error {
	err := problem.New(problem.InvalidToken, "The token is not valid.").WithCause(&auth.RejectionError{Reason: cause})
	err.Members.BearerError = "invalid_token"
	return err
}

// unavailable returns the error for missing keys of the issuer. The token may be valid, so the caller may retry.
func unavailable(cause error) error {
	return problem.New(problem.JWKSUnavailable, "The keys of the token's issuer are not available.").WithCause(cause)
}

// libraryCause returns the cause that golang-jwt reports, without details that may quote the token.
func libraryCause(err error) string {
	for _, known := range []error{
		gojwt.ErrTokenExpired, gojwt.ErrTokenNotValidYet, gojwt.ErrTokenUsedBeforeIssued, gojwt.ErrTokenInvalidAudience,
		gojwt.ErrTokenInvalidIssuer, gojwt.ErrTokenRequiredClaimMissing, gojwt.ErrInvalidType, gojwt.ErrTokenInvalidClaims,
		gojwt.ErrTokenSignatureInvalid, gojwt.ErrTokenMalformed,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return gojwt.ErrTokenUnverifiable.Error()
}
