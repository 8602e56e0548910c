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

// keysFile returns the content of a keys file with two valid keys, a disabled key and
// an expired key.
func keysFile() string {
	return "keys: [" +
		"{id: dev, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + "}], grants: [{namespace: default, role: write}]}, " +
		"{id: ops, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + "}, {sha256: " + authtest.HashOf(authtest.SecretB) + "}], grants: [{namespace: default, role: read}]}, " +
		"{id: off, disabled: true, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + "}], grants: [{namespace: default, role: admin}]}, " +
		"{id: old, secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + ", notAfter: 2020-01-01T00:00:00Z}], grants: [{namespace: default, role: admin}]}]"
}

// FuzzCredentials sends up to two Authorization and two X-API-Key headers. A request
// is authenticated only if it has one of these headers, with one valid key in the exact
// format. All other requests get one of four error responses, which contain no part of
// the request.
func FuzzCredentials(f *testing.F) {
	nameOf := map[string]string{ // the name of the principal, by valid key
		"fg_dev_" + authtest.SecretA: "dev", "fg_ops_" + authtest.SecretA: "ops", "fg_ops_" + authtest.SecretB: "ops",
	}
	const sendAuthorization, sendSecondAuthorization, sendAPIKey, sendSecondAPIKey = 1, 2, 4, 8 // bits of sent
	const key = "fg_dev_" + authtest.SecretA
	for _, value := range []string{
		"", " ", "Bearer", "Bearer ", "Bearer  " + key, "Bearer\t" + key, "Bearer \t" + key, " Bearer " + key, "bearer " + key, "BEARER " + key, "Bearer " + key + " ",
		"Bearer " + key + ",", "Bearer " + key + ", Bearer " + key, "Bearer: " + key, "Basic " + key, "Basic eDp5", "ApiKey " + key, key, "\x00", "Bearer \xff" + key, "Bear\u0435r " + key,
		"fg_dev_" + authtest.SecretB, "fg_nobody_" + authtest.SecretA, "fg_off_" + authtest.SecretA, "fg_old_" + authtest.SecretA, "FG_dev_" + authtest.SecretA, "fg__" + authtest.SecretA, "fg_dev__" + authtest.SecretA, "fg_dev_" + authtest.SecretA[1:],
		"fg_dev_" + authtest.SecretA + "a", "fg_DEV_" + authtest.SecretA, "Bearer fg_ops_" + authtest.SecretB, "Bearer " + strings.Repeat("a", 9<<10), "Bearer " + key + "\r\nX-Api-Key: " + key,
		"eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJub25lIn0.e30.",
	} {
		f.Add(uint8(sendAuthorization), value, "", "", "")
		f.Add(uint8(sendAPIKey), "", "", value, "")
		f.Add(uint8(sendAuthorization|sendAPIKey), value, "", key, "")
	}
	f.Add(uint8(0), "", "", "", "")
	f.Add(uint8(sendAuthorization|sendSecondAuthorization), "Bearer "+key, "Bearer "+key, "", "")
	f.Add(uint8(sendAPIKey|sendSecondAPIKey), "", "", key, key)
	f.Add(uint8(sendAuthorization|sendSecondAuthorization|sendAPIKey|sendSecondAPIKey), "Bearer "+key, "", key, "")
	authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: authtest.OpenKeys(f, keysFile())})
	texts := errorTexts(f, authenticator)
	f.Fuzz(func(t *testing.T, sent uint8, authorization, secondAuthorization, apiKey, secondAPIKey string) {
		h := http.Header{"Accept": {"application/json"}}
		var values []string
		token := ""
		for _, header := range []struct {
			bit         uint8
			name, value string
		}{
			{sendAuthorization, "Authorization", authorization},
			{sendSecondAuthorization, "Authorization", secondAuthorization},
			{sendAPIKey, "X-Api-Key", apiKey},
			{sendSecondAPIKey, "X-Api-Key", secondAPIKey},
		} {
			if sent&header.bit == 0 {
				continue
			}
			h.Add(header.name, header.value)
			values = append(values, header.value)
			token = header.value
			if header.name == "Authorization" {
				scheme, rest, _ := strings.Cut(header.value, " ")
				if token = rest; strings.ToLower(scheme) != "bearer" {
					token = ""
				}
			}
		}
		want := ""
		if len(values) == 1 {
			want = nameOf[token]
		}
		principal, err := authtest.Authenticate(authenticator, h)
		if want != "" {
			require.NoError(t, err)
			require.Equal(t, want, principal.Name)
			return
		}
		require.Nil(t, principal, "%q", values)
		require.Contains(t, texts, errorText(t, err), "%q", values)
		if rejection, ok := auth.RejectionOf(err); ok && rejection.KeyID != "" {
			require.Regexp(t, "^[a-z0-9-]{1,32}$", rejection.KeyID)
			require.True(t, strings.HasPrefix(token, "fg_"+rejection.KeyID+"_"), "%q", values)
		}
		code := problem.Of(err).Code
		require.Equal(t, len(values) > 1, code == problem.AmbiguousCredentials, "%q", values)
		require.True(t, len(values) != 0 || code == problem.Unauthenticated)
	})
}

// errorText returns everything that is written to the caller and to the log about a
// rejected credential.
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
		{},
		{"Authorization": {"Basic x"}},
		{"Authorization": {"Bearer x"}},
		{"Authorization": {"a"}, "X-Api-Key": {"b"}},
		{"X-Api-Key": {"fg_nobody_" + authtest.SecretA}},
		{"X-Api-Key": {"fg_dev_" + authtest.SecretA + "x"}},
		{"X-Api-Key": {"fg_off_" + authtest.SecretA}},
		{"X-Api-Key": {"fg_old_" + authtest.SecretA}},
	} {
		_, err := authtest.Authenticate(authenticator, h)
		texts = append(texts, errorText(f, err))
	}
	return texts
}
