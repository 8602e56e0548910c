package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/authtest"
	"github.com/flowgate/flowgate/internal/problem"
)

// keysInAllStates returns a keys file with two valid keys, a disabled one and an
// expired one. Errors must not distinguish the last two.
func keysInAllStates() string {
	return "keys: [" +
		"{id: dev, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + "}], grants: [{namespace: default, role: write}]}, " +
		"{id: ops, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + "}, {sha256: " + authtest.HashOf(authtest.SecretB) + "}], grants: [{namespace: default, role: read}]}, " +
		"{id: off, disabled: true, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + "}], grants: [{namespace: default, role: admin}]}, " +
		"{id: old, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + ", notAfter: 2020-01-01T00:00:00Z}], grants: [{namespace: default, role: admin}]}]"
}

// FuzzCredentials sends up to two Authorization and two X-API-Key headers. A request
// is authenticated only if it has one header with one valid key in the exact format.
// All others get one of four responses, which contain nothing of the request.
func FuzzCredentials(f *testing.F) {
	valid := map[string]string{
		"fg_dev_" + authtest.SecretA: "dev", "fg_ops_" + authtest.SecretA: "ops", "fg_ops_" + authtest.SecretB: "ops",
	}
	const one, otherAuthorization, apiKey, otherAPIKey = 1, 2, 4, 8 // bits of the headers that are sent
	const key = "fg_dev_" + authtest.SecretA
	for _, value := range []string{
		"", " ", "Bearer", "Bearer ", "Bearer  " + key, "Bearer\t" + key, "Bearer \t" + key, " Bearer " + key, "bearer " + key, "BEARER " + key, "Bearer " + key + " ",
		"Bearer " + key + ",", "Bearer " + key + ", Bearer " + key, "Bearer: " + key, "Basic " + key, "Basic eDp5", "ApiKey " + key, key, "\x00", "Bearer \xff" + key, "Bear\u0435r " + key,
		"fg_dev_" + authtest.SecretB, "fg_nobody_" + authtest.SecretA, "fg_off_" + authtest.SecretA, "fg_old_" + authtest.SecretA, "FG_dev_" + authtest.SecretA, "fg__" + authtest.SecretA, "fg_dev__" + authtest.SecretA, "fg_dev_" + authtest.SecretA[1:],
		"fg_dev_" + authtest.SecretA + "a", "fg_DEV_" + authtest.SecretA, "Bearer fg_ops_" + authtest.SecretB, "Bearer " + strings.Repeat("a", 9<<10), "Bearer " + key + "\r\nX-Api-Key: " + key,
		"eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJub25lIn0.e30.",
	} {
		f.Add(uint8(one), value, "", "", "")
		f.Add(uint8(apiKey), "", "", value, "")
		f.Add(uint8(one|apiKey), value, "", key, "")
	}
	f.Add(uint8(0), "", "", "", "")
	f.Add(uint8(one|otherAuthorization), "Bearer "+key, "Bearer "+key, "", "")
	f.Add(uint8(apiKey|otherAPIKey), "", "", key, key)
	f.Add(uint8(one|otherAuthorization|apiKey|otherAPIKey), "Bearer "+key, "", key, "")
	authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: authtest.OpenKeys(f, keysInAllStates())})
	texts := errorTexts(f, authenticator)
	f.Fuzz(func(t *testing.T, present uint8, authorization, second, apiKeyValue, secondAPIKey string) {
		h := http.Header{"Accept": {"application/json"}}
		var sent []string
		token := ""
		for _, header := range []struct {
			bit         uint8
			name, value string
		}{
			{one, "Authorization", authorization},
			{otherAuthorization, "Authorization", second},
			{apiKey, "X-Api-Key", apiKeyValue},
			{otherAPIKey, "X-Api-Key", secondAPIKey},
		} {
			if present&header.bit == 0 {
				continue
			}
			h.Add(header.name, header.value)
			sent = append(sent, header.value)
			token = header.value
			if header.name == "Authorization" {
				scheme, rest, _ := strings.Cut(header.value, " ")
				if token = rest; strings.ToLower(scheme) != "bearer" {
					token = ""
				}
			}
		}
		want := ""
		if len(sent) == 1 {
			want = valid[token]
		}
		principal, err := authtest.Authenticate(authenticator, h)
		if want != "" {
			require.NoError(t, err)
			require.Equal(t, want, principal.Name)
			return
		}
		require.Nil(t, principal, "%q", sent)
		require.Contains(t, texts, errorText(t, err), "%q", sent)
		code := problem.Of(err).Code
		require.Equal(t, len(sent) > 1, code == problem.AmbiguousCredentials, "%q", sent)
		require.True(t, len(sent) != 0 || code == problem.Unauthenticated)
	})
}

// errorText returns everything that the caller and the log get of a rejected
// credential.
func errorText(t testing.TB, err error) string {
	t.Helper()
	require.Error(t, err)
	w := httptest.NewRecorder()
	problem.Write(w, err, problem.Occurrence{RequestID: "r"})
	require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized}, w.Code)
	require.Equal(t, problem.ContentType, w.Header().Get("Content-Type"))
	return err.Error() + problem.Of(err).LogDetail() + w.Header().Get("WWW-Authenticate") + w.Body.String()
}

// errorTexts returns the texts of all possible errors. None depends on the credential.
func errorTexts(f *testing.F, authenticator *auth.Authenticator) []string {
	f.Helper()
	var texts []string
	for _, h := range []http.Header{
		{}, {"Authorization": {"Basic x"}}, {"Authorization": {"Bearer x"}}, {"Authorization": {"a"}, "X-Api-Key": {"b"}},
	} {
		_, err := authtest.Authenticate(authenticator, h)
		texts = append(texts, errorText(f, err))
	}
	return texts
}
