package jwt

import (
	"errors"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/flowgate/flowgate/internal/problem"
)

// invalid refuses a token. The caller gets one answer for every cause, since whoever forges tokens would learn from more.
// The cause, for the log, is a text of this package's own: it quotes nothing of the token.
func invalid(cause string) error {
	refusal := problem.New(problem.InvalidToken, "The token is not valid.").WithCause(errors.New(cause))
	refusal.Members.BearerError = "invalid_token"
	return refusal
}

// unavailable blames the issuer's keys. The token may well be good, so the caller may come again with it.
func unavailable(cause error) error {
	return problem.New(problem.JWKSUnavailable, "The keys of the token's issuer are not available.").WithCause(cause)
}

// libraryCause says what golang-jwt found, without the details that it may quote from the token.
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
