package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/authtest"
	"github.com/flowgate/flowgate/internal/problem"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	const key, valid = "fg_dev_" + authtest.SecretA, problem.Code("")
	for name, test := range map[string]struct {
		header http.Header
		want   problem.Code // the code of the error; empty if the request is authenticated
	}{
		"bearer":              {http.Header{"Authorization": {"Bearer " + key}}, valid},
		"scheme in any case":  {http.Header{"Authorization": {"bEARER " + key}}, valid},
		"api key header":      {http.Header{"X-Api-Key": {key}}, valid},
		"no credential":       {http.Header{}, problem.Unauthenticated},
		"cookie":              {http.Header{"Cookie": {"key=" + key}}, problem.Unauthenticated},
		"empty authorization": {http.Header{"Authorization": {""}}, problem.Unauthenticated},
		"basic":               {http.Header{"Authorization": {"Basic " + key}}, problem.Unauthenticated},
		"key, no scheme":      {http.Header{"Authorization": {key}}, problem.Unauthenticated},
		"longer scheme":       {http.Header{"Authorization": {"Bearers " + key}}, problem.Unauthenticated},
		"leading space":       {http.Header{"Authorization": {" Bearer " + key}}, problem.Unauthenticated},
		"scheme alone":        {http.Header{"Authorization": {"Bearer"}}, problem.InvalidCredential},
		"empty token":         {http.Header{"Authorization": {"Bearer "}}, problem.InvalidCredential},
		"two spaces":          {http.Header{"Authorization": {"Bearer  " + key}}, problem.InvalidCredential},
		"trailing space":      {http.Header{"Authorization": {"Bearer " + key + " "}}, problem.InvalidCredential},
		"tab":                 {http.Header{"Authorization": {"Bearer\t" + key}}, problem.InvalidCredential},
		"tab after space":     {http.Header{"Authorization": {"Bearer \t" + key}}, problem.InvalidCredential},
		"two tokens":          {http.Header{"Authorization": {"Bearer " + key + ", Bearer " + key}}, problem.InvalidCredential},
		"not ascii":           {http.Header{"Authorization": {"Bearer " + key + "\u00e9"}}, problem.InvalidCredential},
		"too long":            {http.Header{"Authorization": {"Bearer " + key + strings.Repeat("a", 9<<10)}}, problem.InvalidCredential},
		"api key too long":    {http.Header{"X-Api-Key": {key + strings.Repeat("a", 9<<10)}}, problem.InvalidCredential},
		"empty api key":       {http.Header{"X-Api-Key": {""}}, problem.InvalidCredential},
		"api key with scheme": {http.Header{"X-Api-Key": {"Bearer " + key}}, problem.InvalidCredential},
		"two authorizations":  {http.Header{"Authorization": {"Bearer " + key, "Bearer " + key}}, problem.AmbiguousCredentials},
		"two api keys":        {http.Header{"X-Api-Key": {key, key}}, problem.AmbiguousCredentials},
		"both headers":        {http.Header{"Authorization": {"Bearer " + key}, "X-Api-Key": {key}}, problem.AmbiguousCredentials},
		"both, one invalid":   {http.Header{"Authorization": {"Basic x"}, "X-Api-Key": {key}}, problem.AmbiguousCredentials},
		"both, one empty":     {http.Header{"Authorization": {""}, "X-Api-Key": {key}}, problem.AmbiguousCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			principal, err := authtest.Authenticate(auth.NewAuthenticator(auth.Verifiers{Keys: authtest.OpenKeys(t, authtest.KeysFile(authtest.SecretA))}), test.header)
			if test.want == valid {
				require.NoError(t, err)
				require.Equal(t, "dev", principal.Name)
				return
			}
			require.Nil(t, principal)
			require.True(t, problem.Is(err, test.want), "%v", err)
			require.NotContains(t, err.Error(), authtest.Marker)
			require.Equal(t, test.want == problem.InvalidCredential, problem.Of(err).Members.BearerError == "invalid_token")
		})
	}
}

func TestOnlyRequestsWithoutCredentialAreAnonymous(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]auth.Verifier{"with keys": authtest.OpenKeys(t, authtest.KeysFile(authtest.SecretA)), "without keys": nil} {
		authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: keys, Anonymous: true})
		principal, err := authtest.Authenticate(authenticator, http.Header{})
		require.NoError(t, err, name)
		require.Equal(t, "anonymous", principal.Name, name)
		_, err = authtest.Authenticate(authenticator, http.Header{"X-Api-Key": {"fg_dev_" + authtest.SecretB}})
		require.True(t, problem.Is(err, problem.InvalidCredential), name)
		_, err = authtest.Authenticate(authenticator, http.Header{"Authorization": {"Basic x"}})
		require.True(t, problem.Is(err, problem.Unauthenticated), name)
	}
}

func TestStripRemovesAllCredentials(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	for _, name := range []string{"authorization", "x-api-key", "cookie", "proxy-authorization"} {
		h.Add(name, authtest.SecretA)
		h.Add(name, authtest.SecretB)
	}
	h.Set("Accept", "application/json")
	auth.Strip(h)
	require.Equal(t, http.Header{"Accept": {"application/json"}}, h)
}

// FuzzAuthorization checks that only a value in the exact format is accepted, and that no error quotes the value.
func FuzzAuthorization(f *testing.F) {
	const key = "fg_dev_" + authtest.SecretA
	for _, seed := range []string{"", "Bearer", "Bearer ", "Bearer  " + key, "Bearer\t" + key, "bearer " + key, "Basic " + key, key, "Bearer " + key + ",", "\x00"} {
		f.Add(seed)
	}
	authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: authtest.OpenKeys(f, authtest.KeysFile(authtest.SecretA))})
	f.Fuzz(func(t *testing.T, value string) {
		principal, err := authtest.Authenticate(authenticator, http.Header{"Authorization": {value}})
		scheme, token, _ := strings.Cut(value, " ")
		require.Equal(t, strings.EqualFold(scheme, "bearer") && token == key, err == nil)
		require.Equal(t, err == nil, principal != nil)
		if err != nil {
			require.True(t, problem.Is(err, problem.Unauthenticated) || problem.Is(err, problem.InvalidCredential))
			require.NotContains(t, err.Error(), authtest.Marker)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: authtest.OpenKeys(b, authtest.KeysFile(authtest.SecretA))})
	for name, key := range map[string]string{
		"valid":   "fg_dev_" + authtest.SecretA,
		"wrong":   "fg_dev_" + authtest.SecretB,
		"unknown": "fg_nobody_" + authtest.SecretA,
	} {
		b.Run(name, func(b *testing.B) {
			header := http.Header{"Authorization": {"Bearer " + key}}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = authtest.Authenticate(authenticator, header)
			}
		})
	}
}
