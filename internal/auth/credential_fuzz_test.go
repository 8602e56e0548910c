package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// keysOfStates are two keys that work, and two that do not for reasons that
// nobody may see from outside.
func keysOfStates() string {
	return "keys: [" +
		"{id: dev, secrets: [{sha256: " + hashOf(secretA) + "}], grants: [{namespace: default, role: write}]}, " +
		"{id: ops, secrets: [{sha256: " + hashOf(secretA) + "}, {sha256: " + hashOf(secretB) + "}], grants: [{namespace: default, role: read}]}, " +
		"{id: off, disabled: true, secrets: [{sha256: " + hashOf(secretA) + "}], grants: [{namespace: default, role: admin}]}, " +
		"{id: old, secrets: [{sha256: " + hashOf(secretA) + ", notAfter: 2020-01-01T00:00:00Z}], grants: [{namespace: default, role: admin}]}]"
}

// FuzzCredentials sends up to two Authorization and two X-API-Key headers. One
// caller is let in by one header that holds one known key in its exact form; all
// others get one of four texts, in which nothing of theirs stands.
func FuzzCredentials(f *testing.F) {
	good := map[string]string{
		"fg_dev_" + secretA: "dev", "fg_ops_" + secretA: "ops", "fg_ops_" + secretB: "ops",
	}
	const one, otherAuthorization, apiKey, otherAPIKey = 1, 2, 4, 8 // which headers there are
	const key = "fg_dev_" + secretA
	for _, value := range []string{
		"", " ", "Bearer", "Bearer ", "Bearer  " + key, "Bearer\t" + key, "Bearer \t" + key, " Bearer " + key, "bearer " + key, "BEARER " + key, "Bearer " + key + " ",
		"Bearer " + key + ",", "Bearer " + key + ", Bearer " + key, "Bearer: " + key, "Basic " + key, "Basic eDp5", "ApiKey " + key, key, "\x00", "Bearer \xff" + key, "Bear\u0435r " + key,
		"fg_dev_" + secretB, "fg_nobody_" + secretA, "fg_off_" + secretA, "fg_old_" + secretA, "FG_dev_" + secretA, "fg__" + secretA, "fg_dev__" + secretA, "fg_dev_" + secretA[1:],
		"fg_dev_" + secretA + "a", "fg_DEV_" + secretA, "Bearer fg_ops_" + secretB, "Bearer " + strings.Repeat("a", 9<<10), "Bearer " + key + "\r\nX-Api-Key: " + key,
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
	authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: openKeys(f, keysOfStates())})
	texts := refusalTexts(f, authenticator)
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
			want = good[token]
		}
		who, err := authenticate(authenticator, h)
		if want != "" {
			require.NoError(t, err)
			require.Equal(t, want, who.Name)
			return
		}
		require.Nil(t, who, "%q", sent)
		require.Contains(t, texts, refusalText(t, err), "%q", sent)
		code := problem.Of(err).Code
		require.Equal(t, len(sent) > 1, code == problem.AmbiguousCredentials, "%q", sent)
		require.True(t, len(sent) != 0 || code == problem.Unauthenticated)
	})
}

// refusalText is all that a caller sees, and the log, of a refused credential.
func refusalText(t testing.TB, err error) string {
	t.Helper()
	require.Error(t, err)
	w := httptest.NewRecorder()
	problem.Write(w, err, problem.Occurrence{RequestID: "r"})
	require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized}, w.Code)
	require.Equal(t, problem.ContentType, w.Header().Get("Content-Type"))
	return err.Error() + problem.Of(err).LogDetail() + w.Header().Get("WWW-Authenticate") + w.Body.String()
}

// refusalTexts are the only answers that there are: none depends on what was sent.
func refusalTexts(f *testing.F, authenticator *auth.Authenticator) []string {
	f.Helper()
	var texts []string
	for _, h := range []http.Header{
		{}, {"Authorization": {"Basic x"}}, {"Authorization": {"Bearer x"}}, {"Authorization": {"a"}, "X-Api-Key": {"b"}},
	} {
		_, err := authenticate(authenticator, h)
		texts = append(texts, refusalText(f, err))
	}
	return texts
}
