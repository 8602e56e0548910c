package auth_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/authtest"
)

// interval is the time between two checks of a token file for changes.
const interval = 5 * time.Second

func TestCredentialNone(t *testing.T) {
	t.Parallel()
	credential := auth.NoCredential()
	value, err := credential.Authorization(t.Context(), auth.CallInfo{})
	require.NoError(t, err)
	require.Empty(t, value)
	credential.Watch(t.Context(), interval)
}

func TestStaticCredentialReloadsItsFile(t *testing.T) {
	t.Parallel()
	path := authtest.WriteFile(t, authtest.SecretA+"\n")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		credential, err := auth.OpenStatic(path, slog.New(slog.NewTextHandler(&log, nil)))
		require.NoError(t, err)
		go credential.Watch(t.Context(), interval)
		for _, step := range []struct{ content, want string }{
			{authtest.SecretA + "\n", "Bearer " + authtest.SecretA},
			{authtest.SecretB + "\r\n", "Bearer " + authtest.SecretB},
			{"two\nlines " + authtest.SecretA, "Bearer " + authtest.SecretB},
			{authtest.SecretA, "Bearer " + authtest.SecretA},
		} {
			require.NoError(t, os.WriteFile(path, []byte(step.content), 0o600))
			time.Sleep(interval)
			synctest.Wait()
			value, err := credential.Authorization(t.Context(), auth.CallInfo{})
			require.NoError(t, err)
			require.Equal(t, step.want, value)
		}
		require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
		require.NotContains(t, log.String(), authtest.Marker)
	})
}

func TestExpiryOfAStaticToken(t *testing.T) {
	t.Parallel()
	jwt := func(header, claims string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(header)) + "." + encode([]byte(claims)) + ".c2lnbmF0dXJl"
	}
	for name, test := range map[string]struct {
		token string
		want  int64 // zero means no expiry
	}{
		"JWT":                      {jwt(`{"alg":"ES256"}`, `{"exp":1900000000,"sub":"gateway"}`), 1900000000},
		"JWT of unknown algorithm": {jwt(`{"alg":"X1"}`, `{"exp":1900000000}`), 1900000000},
		"JWT with a fraction":      {jwt(`{"alg":"ES256"}`, `{"exp":1900000000.5}`), 1900000000},
		"JWT without exp":          {jwt(`{"alg":"ES256"}`, `{}`), 0},
		"JWT with a text as exp":   {jwt(`{"alg":"ES256"}`, `{"exp":"soon"}`), 0},
		"not a JWT":                {authtest.SecretA, 0},
		"three parts, no JWT":      {"a.b.c", 0},
	} {
		credential, err := auth.OpenStatic(authtest.WriteFile(t, test.token), nil)
		require.NoError(t, err, name)
		if test.want == 0 {
			require.Zero(t, credential.Expires(), name)
		} else {
			require.Equal(t, test.want, credential.Expires().Unix(), name)
		}
	}
	require.Zero(t, auth.NoCredential().Expires())
	require.True(t, auth.NoCredential().InForce())
}

func TestInvalidTokenFiles(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty": "", "only a line break": "\n", "two lines": authtest.SecretA + "\n" + authtest.SecretB + "\n", "two line breaks": authtest.SecretA + "\n\n",
		"space": "Bearer " + authtest.SecretA, "tab": authtest.SecretA + "\t", "carriage return": authtest.SecretA + "\rx", "null": authtest.SecretA + "\x00",
		"not ascii": authtest.SecretA + "\u00e9", "byte order mark": "\ufeff" + authtest.SecretA, "too long": strings.Repeat(authtest.SecretA, 1000),
	} {
		_, err := auth.OpenStatic(authtest.WriteFile(t, content), nil)
		require.ErrorContains(t, err, "one line of visible ASCII", name)
		require.NotContains(t, err.Error(), authtest.Marker, name)
	}
}

func TestCredentialIDs(t *testing.T) {
	t.Parallel()
	none := auth.NoCredential()
	path := authtest.WriteFile(t, authtest.SecretA)
	first, err := auth.OpenStatic(path, nil)
	require.NoError(t, err)
	again, err := auth.OpenStatic(path, nil)
	require.NoError(t, err)
	second, err := auth.OpenStatic(authtest.WriteFile(t, authtest.SecretB), nil)
	require.NoError(t, err)
	require.Equal(t, first.ID(nil), again.ID(nil))
	require.NotEqual(t, first.ID(nil), second.ID(nil))
	require.NotEqual(t, none.ID(nil), first.ID(nil))
}

func TestCredentialIsNeverPrinted(t *testing.T) {
	t.Parallel()
	credential, err := auth.OpenStatic(authtest.WriteFile(t, authtest.SecretA), nil)
	require.NoError(t, err)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p", "%10.2f"} {
		fmt.Fprintf(&out, verb+"\n", credential)
		fmt.Fprintf(&out, verb+"\n", *credential)
		fmt.Fprintf(&out, verb+"\n", struct{ C *auth.Credential }{credential})
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("credential", "pointer", credential, "value", *credential, "nested", struct{ C any }{credential})
	}
	require.Contains(t, out.String(), credential.String())
	require.NotContains(t, out.String(), authtest.Marker)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", authtest.SecretA))
}

func TestPassthroughSendsTheCallersToken(t *testing.T) {
	t.Parallel()
	credential := auth.Passthrough()
	caller := (&auth.Principal{Name: "idp:alice"}).WithBearer(authtest.SecretA)
	value, err := credential.Authorization(t.Context(), auth.CallInfo{Principal: caller})
	require.NoError(t, err)
	require.Equal(t, "Bearer "+authtest.SecretA, value)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", caller, caller, *caller), authtest.Marker)

	other := (&auth.Principal{Name: "idp:alice"}).WithBearer(authtest.SecretB)
	require.NotEqual(t, credential.ID(caller), credential.ID(other), "the upstream may return different responses to two tokens")
	require.NotContains(t, credential.ID(caller), authtest.Marker)

	withoutToken := &auth.Principal{Name: "dev"}
	_, err = credential.Authorization(t.Context(), auth.CallInfo{Principal: withoutToken})
	require.ErrorContains(t, err, "no token")
	value, err = credential.Authorization(t.Context(), auth.CallInfo{Principal: withoutToken, Access: auth.Access{Scope: auth.ScopeNone}})
	require.NoError(t, err)
	require.Empty(t, value)
}
