package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

func TestAuthenticateByForm(t *testing.T) {
	t.Parallel()
	const key, good = "fg_dev_" + secretA, problem.Code("")
	for name, test := range map[string]struct {
		header http.Header
		want   problem.Code
	}{
		"bearer":                 {http.Header{"Authorization": {"Bearer " + key}}, good},
		"scheme in any case":     {http.Header{"Authorization": {"bEARER " + key}}, good},
		"api key header":         {http.Header{"X-Api-Key": {key}}, good},
		"nothing":                {http.Header{}, problem.Unauthenticated},
		"a cookie is nothing":    {http.Header{"Cookie": {"key=" + key}}, problem.Unauthenticated},
		"empty authorization":    {http.Header{"Authorization": {""}}, problem.Unauthenticated},
		"basic":                  {http.Header{"Authorization": {"Basic " + key}}, problem.Unauthenticated},
		"the key as scheme":      {http.Header{"Authorization": {key}}, problem.Unauthenticated},
		"bearers":                {http.Header{"Authorization": {"Bearers " + key}}, problem.Unauthenticated},
		"leading space":          {http.Header{"Authorization": {" Bearer " + key}}, problem.Unauthenticated},
		"scheme alone":           {http.Header{"Authorization": {"Bearer"}}, problem.InvalidCredential},
		"empty token":            {http.Header{"Authorization": {"Bearer "}}, problem.InvalidCredential},
		"two spaces":             {http.Header{"Authorization": {"Bearer  " + key}}, problem.InvalidCredential},
		"trailing space":         {http.Header{"Authorization": {"Bearer " + key + " "}}, problem.InvalidCredential},
		"tab":                    {http.Header{"Authorization": {"Bearer\t" + key}}, problem.InvalidCredential},
		"tab after space":        {http.Header{"Authorization": {"Bearer \t" + key}}, problem.InvalidCredential},
		"two in one":             {http.Header{"Authorization": {"Bearer " + key + ", Bearer " + key}}, problem.InvalidCredential},
		"not ascii":              {http.Header{"Authorization": {"Bearer " + key + "\u00e9"}}, problem.InvalidCredential},
		"too long":               {http.Header{"Authorization": {"Bearer " + key + strings.Repeat("a", 9<<10)}}, problem.InvalidCredential},
		"api key too long":       {http.Header{"X-Api-Key": {key + strings.Repeat("a", 9<<10)}}, problem.InvalidCredential},
		"empty api key":          {http.Header{"X-Api-Key": {""}}, problem.InvalidCredential},
		"api key with scheme":    {http.Header{"X-Api-Key": {"Bearer " + key}}, problem.InvalidCredential},
		"two authorizations":     {http.Header{"Authorization": {"Bearer " + key, "Bearer " + key}}, problem.AmbiguousCredentials},
		"two api keys":           {http.Header{"X-Api-Key": {key, key}}, problem.AmbiguousCredentials},
		"both":                   {http.Header{"Authorization": {"Bearer " + key}, "X-Api-Key": {key}}, problem.AmbiguousCredentials},
		"both, one of them bad":  {http.Header{"Authorization": {"Basic x"}, "X-Api-Key": {key}}, problem.AmbiguousCredentials},
		"both, one of them void": {http.Header{"Authorization": {""}, "X-Api-Key": {key}}, problem.AmbiguousCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who, err := authenticate(auth.NewAuthenticator(auth.Verifiers{Keys: openKeys(t, oneKey(secretA))}), test.header)
			if test.want == good {
				require.NoError(t, err)
				require.Equal(t, "dev", who.Name)
				return
			}
			require.Nil(t, who)
			require.True(t, problem.Is(err, test.want), "%v", err)
			require.NotContains(t, err.Error(), marker)
			require.Equal(t, test.want == problem.InvalidCredential, problem.Of(err).Members.BearerError == "invalid_token")
		})
	}
}

func TestAnonymousOnlyWithoutCredential(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]auth.Verifier{"with keys": openKeys(t, oneKey(secretA)), "without keys": nil} {
		authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: keys, Anonymous: true})
		who, err := authenticate(authenticator, http.Header{})
		require.NoError(t, err, name)
		require.Equal(t, "anonymous", who.Name, name)
		_, err = authenticate(authenticator, http.Header{"X-Api-Key": {"fg_dev_" + secretB}})
		require.True(t, problem.Is(err, problem.InvalidCredential), name)
		_, err = authenticate(authenticator, http.Header{"Authorization": {"Basic x"}})
		require.True(t, problem.Is(err, problem.Unauthenticated), name)
	}
}

func TestStripLeavesNoCredential(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	for _, name := range []string{"authorization", "x-api-key", "cookie", "proxy-authorization"} {
		h.Add(name, secretA)
		h.Add(name, secretB)
	}
	h.Set("Accept", "application/json")
	auth.Strip(h)
	require.Equal(t, http.Header{"Accept": {"application/json"}}, h)
}

// Whatever the header, only the exact form opens, and nothing is quoted back.
func FuzzAuthorization(f *testing.F) {
	const key = "fg_dev_" + secretA
	for _, seed := range []string{"", "Bearer", "Bearer ", "Bearer  " + key, "Bearer\t" + key, "bearer " + key, "Basic " + key, key, "Bearer " + key + ",", "\x00"} {
		f.Add(seed)
	}
	authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: openKeys(f, oneKey(secretA))})
	f.Fuzz(func(t *testing.T, value string) {
		who, err := authenticate(authenticator, http.Header{"Authorization": {value}})
		scheme, token, _ := strings.Cut(value, " ")
		require.Equal(t, strings.EqualFold(scheme, "bearer") && token == key, err == nil)
		require.Equal(t, err == nil, who != nil)
		if err != nil {
			require.True(t, problem.Is(err, problem.Unauthenticated) || problem.Is(err, problem.InvalidCredential))
			require.NotContains(t, err.Error(), marker)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	authenticator := auth.NewAuthenticator(auth.Verifiers{Keys: openKeys(b, oneKey(secretA))})
	for name, key := range map[string]string{
		"good":    "fg_dev_" + secretA,
		"wrong":   "fg_dev_" + secretB,
		"unknown": "fg_nobody_" + secretA,
	} {
		b.Run(name, func(b *testing.B) {
			header := http.Header{"Authorization": {"Bearer " + key}}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = authenticate(authenticator, header)
			}
		})
	}
}
