package apikey_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/auth/authtest"
	"github.com/flowgate/flowgate/internal/problem"
)

func clockAt(at string) func() time.Time {
	now, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err) //nolint:forbidigo // a helper without a test
	}
	return func() time.Time { return now }
}

// rotationFile is a keys file with placeholders for hashes.
const rotationFile = `
keys:
  - id: rotating
    secrets:
      - {sha256: HASH-A, notAfter: 2026-06-01T00:00:00Z}
      - {sha256: HASH-B}
  - id: disabled
    secrets: [{sha256: HASH-C}]
    disabled: true
`

// rotationAuthenticator returns an authenticator for the keys of rotationFile.
func rotationAuthenticator(t testing.TB, options ...apikey.Options) *auth.Authenticator {
	t.Helper()
	content := strings.NewReplacer(
		"HASH-A", authtest.HashOf(authtest.SecretA), "HASH-B", authtest.HashOf(authtest.SecretB), "HASH-C", authtest.HashOf(authtest.SecretA+"c"),
	).Replace(rotationFile)
	return newAuthenticator(authtest.OpenKeys(t, content, options...))
}

func TestRotationKeepsBothSecretsUntilOneExpires(t *testing.T) {
	t.Parallel()
	before := rotationAuthenticator(t, apikey.Options{Now: clockAt("2026-06-01T00:00:00Z")})
	after := rotationAuthenticator(t, apikey.Options{Now: clockAt("2026-06-01T00:00:01Z")})
	for _, secret := range []string{authtest.SecretA, authtest.SecretB} {
		_, err := authtest.Authenticate(before, http.Header{"X-Api-Key": {"fg_rotating_" + secret}})
		require.NoError(t, err)
	}
	_, err := authtest.Authenticate(after, http.Header{"X-Api-Key": {"fg_rotating_" + authtest.SecretA}})
	require.True(t, problem.Is(err, problem.InvalidCredential))
	_, err = authtest.Authenticate(after, http.Header{"X-Api-Key": {"fg_rotating_" + authtest.SecretB}})
	require.NoError(t, err)
}

func TestKeysExpireWithTheirLastSecret(t *testing.T) {
	t.Parallel()
	const june, july, august = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"
	at := func(text string) string { return clockAt(text)().String() }
	for name, c := range map[string]struct {
		keys, next string
	}{
		"no expiry":               {"{id: a, secrets: [{sha256: A}]}", ""},
		"one secret":              {"{id: a, secrets: [{sha256: A, notAfter: " + june + "}]}", at(june)},
		"a rotation":              {"{id: a, secrets: [{sha256: A, notAfter: " + june + "}, {sha256: B}]}", ""},
		"a rotation to an expiry": {"{id: a, secrets: [{sha256: A, notAfter: " + august + "}, {sha256: B, notAfter: " + june + "}]}", at(august)},
		"an expired secret":       {"{id: a, secrets: [{sha256: A, notAfter: 2026-01-01T00:00:00Z}]}", ""},
		"a disabled key":          {"{id: a, disabled: true, secrets: [{sha256: A, notAfter: " + june + "}]}", ""},
		"the first of two keys": {"{id: a, secrets: [{sha256: A, notAfter: " + august + "}]}, {id: b, secrets: [{sha256: B, notAfter: " +
			july + "}]}", at(july)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := strings.NewReplacer("sha256: A", "sha256: "+authtest.HashOf(authtest.SecretA), "sha256: B",
				"sha256: "+authtest.HashOf(authtest.SecretB)).Replace("keys: [" + c.keys + "]\n")
			next := authtest.OpenKeys(t, content, apikey.Options{Now: clockAt("2026-05-01T00:00:00Z")}).NextExpiry()
			if c.next == "" {
				require.Zero(t, next)
				return
			}
			require.Equal(t, c.next, next.String())
		})
	}
}

// response returns the complete response to a request that was rejected with err.
func response(err error) string {
	recorder := httptest.NewRecorder()
	problem.Write(recorder, problem.Of(err), problem.Occurrence{RequestID: "id", Instance: "/"})
	return fmt.Sprint(recorder.Code, recorder.Header(), recorder.Body)
}

// The response must not reveal which part of a guessed key is right. The log has the reason.
func TestAllInvalidCredentialsHaveTheSameResponse(t *testing.T) {
	t.Parallel()
	authenticator := rotationAuthenticator(t, apikey.Options{Now: clockAt("2026-07-01T00:00:00Z")})
	_, want := authtest.Authenticate(authenticator, http.Header{"X-Api-Key": {"junk"}})
	require.True(t, problem.Is(want, problem.InvalidCredential))
	reasons := map[string]auth.RejectionError{
		"unknown id":           {Reason: auth.ReasonUnknownID, KeyID: "nobody"},
		"wrong secret":         {Reason: auth.ReasonWrongSecret, KeyID: "rotating"},
		"another key's secret": {Reason: auth.ReasonWrongSecret, KeyID: "rotating"},
		"the hash":             {Reason: auth.ReasonWrongSecret, KeyID: "rotating"},
		"expired":              {Reason: auth.ReasonExpired, KeyID: "rotating"},
		"disabled":             {Reason: auth.ReasonDisabled, KeyID: "disabled"},
		"wrong and disabled":   {Reason: auth.ReasonWrongSecret, KeyID: "disabled"},
		"a secret as the id":   {Reason: auth.ReasonUnknownID},
	}
	for name, key := range map[string]string{
		"wrong and disabled":   "fg_disabled_" + authtest.SecretB,
		"a secret as the id":   "fg_" + strings.Repeat("a", 32) + "_" + authtest.SecretB,
		"twice the key":        "fg_rotating_" + authtest.SecretB + "fg_rotating_" + authtest.SecretB,
		"unknown id":           "fg_nobody_" + authtest.SecretA,
		"wrong secret":         "fg_rotating_" + authtest.SecretA + "x",
		"another key's secret": "fg_rotating_" + authtest.SecretA + "c",
		"expired":              "fg_rotating_" + authtest.SecretA,
		"disabled":             "fg_disabled_" + authtest.SecretA + "c",
		"other prefix":         "xx_rotating_" + authtest.SecretB,
		"no id":                "fg__" + authtest.SecretB,
		"id in upper case":     "fg_ROTATING_" + authtest.SecretB,
		"no secret":            "fg_rotating_",
		"short secret":         "fg_rotating_" + authtest.SecretB[:31],
		"invalid character":    "fg_rotating_" + authtest.SecretB + "-",
		"the hash":             "fg_rotating_" + authtest.HashOf(authtest.SecretB),
		"a JWT":                "eyJhbGciOiJub25lIn0.e30.",
	} {
		for _, header := range []http.Header{{"X-Api-Key": {key}}, {"Authorization": {"Bearer " + key}}} {
			principal, err := authtest.Authenticate(authenticator, header)
			require.Nil(t, principal, name)
			require.Equal(t, response(want), response(err), name)
			rejection, ok := auth.RejectionOf(err)
			require.True(t, ok, name)
			wanted, listed := reasons[name]
			if !listed {
				wanted.Reason = auth.ReasonMalformed
			}
			require.Equal(t, wanted, *rejection, name)
		}
	}
}
