package apikey_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/problem"
)

func clockAt(at string) func() time.Time {
	now, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err) //nolint:forbidigo // a helper without a test
	}
	return func() time.Time { return now }
}

const statesFile = `
keys:
  - id: rotating
    secrets:
      - {sha256: HASH-A, notAfter: 2026-06-01T00:00:00Z}
      - {sha256: HASH-B}
  - id: disabled
    secrets: [{sha256: HASH-C}]
    disabled: true
`

func states(t testing.TB, options ...apikey.Options) *auth.Authenticator {
	t.Helper()
	content := strings.NewReplacer(
		"HASH-A", hashOf(secretA), "HASH-B", hashOf(secretB), "HASH-C", hashOf(secretA+"c"),
	).Replace(statesFile)
	return authenticatorOf(open(t, content, options...))
}

func TestRotationKeepsBothSecretsUntilOneExpires(t *testing.T) {
	t.Parallel()
	before := states(t, apikey.Options{Now: clockAt("2026-06-01T00:00:00Z")})
	after := states(t, apikey.Options{Now: clockAt("2026-06-01T00:00:01Z")})
	for _, secret := range []string{secretA, secretB} {
		_, err := authenticate(before, http.Header{"X-Api-Key": {"fg_rotating_" + secret}})
		require.NoError(t, err)
	}
	_, err := authenticate(after, http.Header{"X-Api-Key": {"fg_rotating_" + secretA}})
	require.True(t, problem.Is(err, problem.InvalidCredential))
	_, err = authenticate(after, http.Header{"X-Api-Key": {"fg_rotating_" + secretB}})
	require.NoError(t, err)
}

// Who guesses must not learn which guess came nearer.
func TestEveryInvalidCredentialIsOneAnswer(t *testing.T) {
	t.Parallel()
	authenticator := states(t, apikey.Options{Now: clockAt("2026-07-01T00:00:00Z")})
	_, want := authenticate(authenticator, http.Header{"X-Api-Key": {"junk"}})
	require.True(t, problem.Is(want, problem.InvalidCredential))
	for name, key := range map[string]string{
		"unknown id":           "fg_nobody_" + secretA,
		"wrong secret":         "fg_rotating_" + secretA + "x",
		"another key's secret": "fg_rotating_" + secretA + "c",
		"expired":              "fg_rotating_" + secretA,
		"disabled":             "fg_disabled_" + secretA + "c",
		"other prefix":         "xx_rotating_" + secretB,
		"no id":                "fg__" + secretB,
		"id in upper case":     "fg_ROTATING_" + secretB,
		"no secret":            "fg_rotating_",
		"short secret":         "fg_rotating_" + secretB[:31],
		"odd secret":           "fg_rotating_" + secretB + "-",
		"the hash":             "fg_rotating_" + hashOf(secretB),
		"a JWT":                "eyJhbGciOiJub25lIn0.e30.",
	} {
		for _, header := range []http.Header{{"X-Api-Key": {key}}, {"Authorization": {"Bearer " + key}}} {
			who, err := authenticate(authenticator, header)
			require.Nil(t, who, name)
			require.Equal(t, want, err, name)
		}
	}
}
