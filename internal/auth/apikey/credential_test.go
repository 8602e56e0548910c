package apikey_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
	"github.com/flowgate/flowgate/internal/auth/authtest"
)

// refusal is a reason why the upstream must not receive the credential of a key.
const refusal = "would be sent without TLS"

// keysDir writes files, given as pairs of a name and a content, into a new directory.
// It returns the path of the file keys.yaml in that directory.
func keysDir(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600))
	}
	return filepath.Join(dir, "keys.yaml")
}

// entryWithCredential returns an entry of a keys file. An empty credential omits the field.
func entryWithCredential(id, credential string) string {
	entry := "\n  - {id: " + id + ", secrets: [{sha256: " + authtest.HashOf(authtest.SecretA) + "}]"
	if credential != "" {
		entry += ", credential: " + credential
	}
	return entry + "}"
}

// staticCredential returns the YAML of a credential whose token is in the file.
func staticCredential(file string) string { return "{mode: static, file: " + file + "}" }

// principalOf returns the principal of the key with the given id.
func principalOf(t *testing.T, authenticator *auth.Authenticator, id string) *auth.Principal {
	t.Helper()
	principal, err := authtest.Authenticate(authenticator, http.Header{"X-Api-Key": {"fg_" + id + "_" + authtest.SecretA}})
	require.NoError(t, err)
	return principal
}

// authorizationOf returns the authorization that the principal's credential sends.
func authorizationOf(t *testing.T, principal *auth.Principal) string {
	t.Helper()
	value, err := principal.Credential.Authorization(t.Context(), auth.CallInfo{Principal: principal})
	require.NoError(t, err)
	return value
}

func TestKeysGetTheirConfiguredCredentials(t *testing.T) {
	t.Parallel()
	absolutePath := authtest.WriteFile(t, authtest.SecretB)
	keys, err := apikey.Open(keysDir(t, "token-a", authtest.SecretA+"\n", "keys.yaml", "keys:"+
		entryWithCredential("default", "")+entryWithCredential("none", "{mode: none}")+
		entryWithCredential("first", staticCredential("token-a"))+entryWithCredential("second", staticCredential("./token-a"))+
		entryWithCredential("absolute", staticCredential(absolutePath))), apikey.Options{})
	require.NoError(t, err)
	authenticator := newAuthenticator(keys)
	require.Nil(t, principalOf(t, authenticator, "default").Credential, "nil means the upstream's credential")
	none, first := principalOf(t, authenticator, "none"), principalOf(t, authenticator, "first")
	absolute := principalOf(t, authenticator, "absolute")
	require.Empty(t, authorizationOf(t, none))
	require.Equal(t, "Bearer "+authtest.SecretA, authorizationOf(t, first))
	require.Equal(t, "Bearer "+authtest.SecretB, authorizationOf(t, absolute))
	require.Same(t, first.Credential, principalOf(t, authenticator, "second").Credential)
	require.NotEqual(t, first.Credential.ID(nil), absolute.Credential.ID(nil))
	require.NotEqual(t, first.Credential.ID(nil), none.Credential.ID(nil))
}

// Callers whose credentials have equal IDs share responses of the upstream. So an ID
// depends on what the credential sends, and not on where it is configured.
func TestEqualCredentialsHaveEqualIDs(t *testing.T) {
	t.Parallel()
	token := authtest.WriteFile(t, authtest.SecretA)
	keys := authtest.OpenKeys(t, "keys:"+entryWithCredential("none", "{mode: none}")+entryWithCredential("static", staticCredential(token)))
	static, err := auth.OpenStatic(token, nil)
	require.NoError(t, err)
	for mode, configured := range map[string]*auth.Credential{"none": auth.NoCredential(), "static": static} {
		principal := principalOf(t, newAuthenticator(keys), mode)
		require.Equal(t, configured.ID(principal), principal.Credential.ID(principal))
	}
}

func TestInvalidCredentialsOfKeys(t *testing.T) {
	t.Parallel()
	for credential, want := range map[string]string{
		"":             ": must be a mapping",
		"static":       ": must be a mapping",
		"[]":           ": must be a mapping",
		"{}":           ".mode: is missing",
		"{file: good}": ".mode: is missing",
		"{mode: }":     ".mode: must be a string",
		"{mode: mint}": ".mode: needs upstream.credential.mint.keyFile in the configuration",
		"{mode: " + authtest.SecretA + ", file: good}": ".mode: must be one of none, static, mint",
		"{mode: static}":                                              ".file: is missing",
		"{mode: static, file: }":                                      ".file: must be a string",
		"{mode: static, file: ''}":                                    ".file: must name a file",
		"{mode: static, file: [good]}":                                ".file: must be a string",
		"{mode: none, file: good}":                                    ".file: needs mode static",
		"{mode: none, file: absent}":                                  ".file: needs mode static",
		"{mode: mint, file: good}":                                    ".file: needs mode static",
		"{mode: static, file: good, token: " + authtest.SecretA + "}": ".token: unknown field",
		"{mode: static, mode: none}":                                  ".mode: duplicate key",
		staticCredential(authtest.SecretA):                            ".file: no such file or directory",
		staticCredential("."):                                         ".file: not a regular file",
		staticCredential("empty"):                                     ".file: must hold one token",
		staticCredential("lines"):                                     ".file: must hold one token",
		staticCredential("large"):                                     ".file: larger than 1048576 bytes",
		staticCredential(`"good\0"`):                                  ".file: invalid argument",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			_, err := apikey.Open(keysDir(t, "good", authtest.SecretA, "empty", "", "lines", authtest.SecretA+"\n"+authtest.SecretB,
				"large", strings.Repeat(authtest.SecretA, 1<<15), "keys.yaml", keyWith("credential", credential)), apikey.Options{})
			require.ErrorContains(t, err, "keys[0].credential"+want)
			require.NotContains(t, err.Error(), authtest.Marker)
		})
	}
}

func TestAllProblemsOfCredentialsAreReported(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "good", authtest.SecretA, "bad", authtest.SecretA+" "+authtest.SecretB, "keys.yaml", "keys:"+
		entryWithCredential("a", staticCredential("good"))+entryWithCredential("b", staticCredential("absent"))+
		entryWithCredential("c", "{mode: vault, path: x}")+entryWithCredential("d", staticCredential("bad"))+
		entryWithCredential("e", staticCredential("bad")))
	_, err := apikey.Open(path, apikey.Options{CredentialProblem: refusal})
	require.EqualError(t, err, path+": "+strings.Join([]string{
		"keys[0].credential: " + refusal,
		"keys[1].credential: " + refusal,
		"keys[1].credential.file: no such file or directory",
		"keys[2].credential.mode: must be one of none, static, mint",
		"keys[2].credential.path: unknown field",
		"keys[3].credential: " + refusal,
		"keys[3].credential.file: must hold one token: one line of visible ASCII without spaces",
		"keys[4].credential: " + refusal,
		"keys[4].credential.file: must hold one token: one line of visible ASCII without spaces",
	}, "\n"+path+": "), "every line has the name of the file")
}

func TestRefusalRejectsStaticCredentials(t *testing.T) {
	t.Parallel()
	static := keysDir(t, "token", authtest.SecretA, "keys.yaml", "keys:"+entryWithCredential("dev", staticCredential("token")))
	_, err := apikey.Open(static, apikey.Options{CredentialProblem: refusal})
	require.ErrorContains(t, err, "keys[0].credential: "+refusal)
	_, err = apikey.Open(static, apikey.Options{CredentialProblem: ""})
	require.NoError(t, err)
	none := "keys:" + entryWithCredential("dev", "{mode: none}") + entryWithCredential("other", "")
	_, err = apikey.Open(authtest.WriteFile(t, none), apikey.Options{CredentialProblem: refusal})
	require.NoError(t, err, "these keys have no static credential")
}

func TestRefusalAppliesToReloads(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", authtest.SecretA, "keys.yaml", "keys:"+entryWithCredential("dev", ""))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path, apikey.Options{CredentialProblem: refusal})
		w.write(t, "keys:"+entryWithCredential("dev", staticCredential("token"))+entryWithCredential("new", ""))
		tick()
		tick()
		require.Len(t, w.reloaded(), 1)
		require.ErrorContains(t, w.reloaded()[0], "keys[0].credential: "+refusal)
		require.Nil(t, principalOf(t, w.authenticator, "dev").Credential)
		_, err := authtest.Authenticate(w.authenticator, http.Header{"X-Api-Key": {"fg_new_" + authtest.SecretA}})
		require.Error(t, err)
		require.NotContains(t, w.log.String(), authtest.Marker)
	})
}

func TestWatchReloadsTokenFiles(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", authtest.SecretA, "keys.yaml", "keys:"+
		entryWithCredential("first", staticCredential("token"))+entryWithCredential("second", staticCredential("token")))
	token := filepath.Join(filepath.Dir(path), "token")
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		first, second := principalOf(t, w.authenticator, "first"), principalOf(t, w.authenticator, "second")
		for _, step := range []struct{ content, want string }{
			{authtest.SecretB + "\n", authtest.SecretB},
			{"two\nlines " + authtest.SecretA, authtest.SecretB},
			{authtest.SecretA, authtest.SecretA},
		} {
			require.NoError(t, os.WriteFile(token, []byte(step.content), 0o600))
			tick()
			tick()
			require.Equal(t, "Bearer "+step.want, authorizationOf(t, first))
			require.Equal(t, "Bearer "+step.want, authorizationOf(t, second))
		}
		require.Equal(t, 1, strings.Count(w.log.String(), "level=ERROR"), "each version is reported once")
		require.Equal(t, 2, strings.Count(w.log.String(), "file reloaded"))
		require.Empty(t, w.reloaded(), "the keys were not reloaded")

		require.NoError(t, os.Remove(token))
		tick()
		tick()
		require.Equal(t, "Bearer "+authtest.SecretA, authorizationOf(t, first))
		require.Equal(t, 2, strings.Count(w.log.String(), "level=ERROR"))
		require.NotContains(t, w.log.String(), authtest.Marker)
	})
}

// A request in flight keeps its principal, for up to a minute. It must use the current
// token even if the keys file has been reloaded since.
func TestTokenFilesAreWatchedAfterReloadOfKeys(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", authtest.SecretA, "keys.yaml", "keys:"+entryWithCredential("dev", staticCredential("token")))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		before := principalOf(t, w.authenticator, "dev")
		w.write(t, "keys:"+entryWithCredential("dev", staticCredential("token"))+entryWithCredential("new", staticCredential("token")))
		tick()
		require.Equal(t, []error{nil}, w.reloaded())
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "token"), []byte(authtest.SecretB), 0o600))
		tick()
		require.Equal(t, "Bearer "+authtest.SecretB, authorizationOf(t, before))
		require.Equal(t, "Bearer "+authtest.SecretB, authorizationOf(t, principalOf(t, w.authenticator, "new")))
	})
}

func TestMissingTokenFileDoesNotBlockReloadOfKeys(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", authtest.SecretA, "keys.yaml", "keys:"+
		entryWithCredential("dev", staticCredential("token"))+entryWithCredential("stolen", ""))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		require.NoError(t, os.Remove(filepath.Join(filepath.Dir(path), "token")))
		tick()
		w.write(t, "keys:"+entryWithCredential("dev", staticCredential("token")))
		tick()
		require.Equal(t, []error{nil}, w.reloaded())
		_, err := authtest.Authenticate(w.authenticator, http.Header{"X-Api-Key": {"fg_stolen_" + authtest.SecretA}})
		require.Error(t, err)
		require.Equal(t, "Bearer "+authtest.SecretA, authorizationOf(t, principalOf(t, w.authenticator, "dev")))
	})
}

// The keys file and its token files may be written in any order.
func TestRejectedKeysFileIsReloadedWhenTokenFileChanges(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "keys.yaml", "keys:"+entryWithCredential("dev", ""))
	token := filepath.Join(filepath.Dir(path), "token")
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		w.write(t, "keys:"+entryWithCredential("dev", staticCredential("token")))
		tick()
		tick()
		require.Len(t, w.reloaded(), 1, "each version is reported once")
		require.ErrorContains(t, w.reloaded()[0], "keys[0].credential.file: no such file or directory")
		require.NoError(t, os.WriteFile(token, nil, 0o600))
		tick()
		tick()
		require.Len(t, w.reloaded(), 2, "the error has changed")
		require.Nil(t, principalOf(t, w.authenticator, "dev").Credential)
		require.NoError(t, os.WriteFile(token, []byte(authtest.SecretA), 0o600))
		tick()
		tick()
		require.Len(t, w.reloaded(), 3)
		require.NoError(t, w.reloaded()[2])
		require.Equal(t, "Bearer "+authtest.SecretA, authorizationOf(t, principalOf(t, w.authenticator, "dev")))
		require.NotContains(t, w.log.String(), authtest.Marker)
	})
}

func TestPrintedPrincipalContainsNoToken(t *testing.T) {
	t.Parallel()
	keys, err := apikey.Open(keysDir(t, "token", authtest.SecretA, "keys.yaml", "keys:"+entryWithCredential("dev", staticCredential("token"))), apikey.Options{})
	require.NoError(t, err)
	principal := principalOf(t, newAuthenticator(keys), "dev")
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+"\n", principal, *principal)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("principal", "pointer", principal, "value", *principal)
	}
	require.Contains(t, out.String(), principal.Credential.String())
	require.NotContains(t, out.String(), authtest.Marker)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", authtest.SecretA))
}
