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
)

const refusal = "would be sent without TLS"

// keysDir writes files, given by name and content in turn, into a new
// directory, and gives the path of its keys.yaml.
func keysDir(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600))
	}
	return filepath.Join(dir, "keys.yaml")
}

// withCredential is an entry of a keys file; no credential leaves the field out.
func withCredential(id, credential string) string {
	entry := "\n  - {id: " + id + ", secrets: [{sha256: " + hashOf(secretA) + "}]"
	if credential != "" {
		entry += ", credential: " + credential
	}
	return entry + "}"
}

func staticIn(file string) string { return "{mode: static, file: " + file + "}" }

func principalOf(t *testing.T, authenticator *auth.Authenticator, id string) *auth.Principal {
	t.Helper()
	who, err := authenticate(authenticator, http.Header{"X-Api-Key": {"fg_" + id + "_" + secretA}})
	require.NoError(t, err)
	return who
}

func tokenOf(t *testing.T, who *auth.Principal) string {
	t.Helper()
	value, err := who.Credential.Authorization(t.Context(), auth.CallInfo{Principal: who})
	require.NoError(t, err)
	return value
}

func TestKeysHaveCredentials(t *testing.T) {
	t.Parallel()
	elsewhere := writeFile(t, secretB)
	keys, err := apikey.Open(keysDir(t, "token-a", secretA+"\n", "keys.yaml", "keys:"+
		withCredential("upstreams", "")+withCredential("none", "{mode: none}")+
		withCredential("first", staticIn("token-a"))+withCredential("second", staticIn("./token-a"))+
		withCredential("absolute", staticIn(elsewhere))), apikey.Options{})
	require.NoError(t, err)
	authenticator := authenticatorOf(keys)
	require.Nil(t, principalOf(t, authenticator, "upstreams").Credential)
	none, first := principalOf(t, authenticator, "none"), principalOf(t, authenticator, "first")
	absolute := principalOf(t, authenticator, "absolute")
	require.Empty(t, tokenOf(t, none))
	require.Equal(t, "Bearer "+secretA, tokenOf(t, first))
	require.Equal(t, "Bearer "+secretB, tokenOf(t, absolute))
	require.Same(t, first.Credential, principalOf(t, authenticator, "second").Credential)
	require.NotEqual(t, first.Credential.ID(nil), absolute.Credential.ID(nil))
	require.NotEqual(t, first.Credential.ID(nil), none.Credential.ID(nil))
}

// The ID decides who shares an upstream answer: a key's credential is told
// from the upstream's by what it is, not by where it was configured.
func TestKeysCredentialsHaveTheIDsOfOthers(t *testing.T) {
	t.Parallel()
	token := writeFile(t, secretA)
	keys := open(t, "keys:"+withCredential("none", "{mode: none}")+withCredential("static", staticIn(token)))
	static, err := auth.OpenStatic(token, nil)
	require.NoError(t, err)
	for mode, upstreams := range map[string]*auth.Credential{"none": auth.NoCredential(), "static": static} {
		who := principalOf(t, authenticatorOf(keys), mode)
		require.Equal(t, upstreams.ID(who), who.Credential.ID(who))
	}
}

func TestKeysFileRefusesACredential(t *testing.T) {
	t.Parallel()
	for credential, want := range map[string]string{
		"":                                    ": must be a mapping",
		"static":                              ": must be a mapping",
		"[]":                                  ": must be a mapping",
		"{}":                                  ".mode: is missing",
		"{file: good}":                        ".mode: is missing",
		"{mode: }":                            ".mode: must be a string",
		"{mode: mint}":                        ".mode: needs upstream.credential.mint.keyFile in the configuration",
		"{mode: " + secretA + ", file: good}": ".mode: must be one of none, static, mint",
		"{mode: static}":                      ".file: is missing",
		"{mode: static, file: }":              ".file: must be a string",
		"{mode: static, file: ''}":            ".file: must name a file",
		"{mode: static, file: [good]}":        ".file: must be a string",
		"{mode: none, file: good}":            ".file: needs mode static",
		"{mode: none, file: absent}":          ".file: needs mode static",
		"{mode: mint, file: good}":            ".file: needs mode static",
		"{mode: static, file: good, token: " + secretA + "}": ".token: unknown field",
		"{mode: static, mode: none}":                         ".mode: duplicate key",
		staticIn(secretA):                                    ".file: no such file or directory",
		staticIn("."):                                        ".file: not a regular file",
		staticIn("empty"):                                    ".file: must hold one token",
		staticIn("lines"):                                    ".file: must hold one token",
		staticIn("large"):                                    ".file: larger than 1048576 bytes",
		staticIn(`"good\0"`):                                 ".file: invalid argument",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			_, err := apikey.Open(keysDir(t, "good", secretA, "empty", "", "lines", secretA+"\n"+secretB,
				"large", strings.Repeat(secretA, 1<<15), "keys.yaml", keyWith("credential", credential)), apikey.Options{})
			require.ErrorContains(t, err, "keys[0].credential"+want)
			require.NotContains(t, err.Error(), marker)
		})
	}
}

func TestKeysFileTellsEveryProblemOfCredentialsAtOnce(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "good", secretA, "bad", secretA+" "+secretB, "keys.yaml", "keys:"+
		withCredential("a", staticIn("good"))+withCredential("b", staticIn("absent"))+
		withCredential("c", "{mode: vault, path: x}")+withCredential("d", staticIn("bad"))+
		withCredential("e", staticIn("bad")))
	_, err := apikey.Open(path, apikey.Options{Refusal: refusal})
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
	}, "\n"+path+": "), "every line names the file")
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	static := keysDir(t, "token", secretA, "keys.yaml", "keys:"+withCredential("dev", staticIn("token")))
	_, err := apikey.Open(static, apikey.Options{Refusal: refusal})
	require.ErrorContains(t, err, "keys[0].credential: "+refusal)
	_, err = apikey.Open(static, apikey.Options{Refusal: ""})
	require.NoError(t, err)
	none := "keys:" + withCredential("dev", "{mode: none}") + withCredential("other", "")
	_, err = apikey.Open(writeFile(t, none), apikey.Options{Refusal: refusal})
	require.NoError(t, err, "nothing would be sent")
}

func TestWatchRefusesCredentials(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", secretA, "keys.yaml", "keys:"+withCredential("dev", ""))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path, apikey.Options{Refusal: refusal})
		w.write(t, "keys:"+withCredential("dev", staticIn("token"))+withCredential("new", ""))
		tick()
		tick()
		require.Len(t, w.reloaded(), 1)
		require.ErrorContains(t, w.reloaded()[0], "keys[0].credential: "+refusal)
		require.Nil(t, principalOf(t, w.authenticator, "dev").Credential)
		_, err := authenticate(w.authenticator, http.Header{"X-Api-Key": {"fg_new_" + secretA}})
		require.Error(t, err)
		require.NotContains(t, w.log.String(), marker)
	})
}

func TestWatchFollowsTheTokensOfKeys(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", secretA, "keys.yaml", "keys:"+
		withCredential("first", staticIn("token"))+withCredential("second", staticIn("token")))
	token := filepath.Join(filepath.Dir(path), "token")
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		first, second := principalOf(t, w.authenticator, "first"), principalOf(t, w.authenticator, "second")
		for _, step := range []struct{ content, want string }{
			{secretB + "\n", secretB},
			{"two\nlines " + secretA, secretB},
			{secretA, secretA},
		} {
			require.NoError(t, os.WriteFile(token, []byte(step.content), 0o600))
			tick()
			tick()
			require.Equal(t, "Bearer "+step.want, tokenOf(t, first))
			require.Equal(t, "Bearer "+step.want, tokenOf(t, second))
		}
		require.Equal(t, 1, strings.Count(w.log.String(), "level=ERROR"), "one report a version")
		require.Equal(t, 2, strings.Count(w.log.String(), "file reloaded"))
		require.Empty(t, w.reloaded(), "the keys were not reloaded")

		require.NoError(t, os.Remove(token))
		tick()
		tick()
		require.Equal(t, "Bearer "+secretA, tokenOf(t, first))
		require.Equal(t, 2, strings.Count(w.log.String(), "level=ERROR"))
		require.NotContains(t, w.log.String(), marker)
	})
}

// A waiting caller keeps its principal for a minute, and must not be left with
// the token of before the reload.
func TestTokensAreFollowedAcrossReloads(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", secretA, "keys.yaml", "keys:"+withCredential("dev", staticIn("token")))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		before := principalOf(t, w.authenticator, "dev")
		w.write(t, "keys:"+withCredential("dev", staticIn("token"))+withCredential("new", staticIn("token")))
		tick()
		require.Equal(t, []error{nil}, w.reloaded())
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "token"), []byte(secretB), 0o600))
		tick()
		require.Equal(t, "Bearer "+secretB, tokenOf(t, before))
		require.Equal(t, "Bearer "+secretB, tokenOf(t, principalOf(t, w.authenticator, "new")))
	})
}

func TestABrokenTokenInForceHoldsUpNoReload(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "token", secretA, "keys.yaml", "keys:"+
		withCredential("dev", staticIn("token"))+withCredential("stolen", ""))
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		require.NoError(t, os.Remove(filepath.Join(filepath.Dir(path), "token")))
		tick()
		w.write(t, "keys:"+withCredential("dev", staticIn("token")))
		tick()
		require.Equal(t, []error{nil}, w.reloaded())
		_, err := authenticate(w.authenticator, http.Header{"X-Api-Key": {"fg_stolen_" + secretA}})
		require.Error(t, err)
		require.Equal(t, "Bearer "+secretA, tokenOf(t, principalOf(t, w.authenticator, "dev")))
	})
}

// The file and its tokens may arrive in any order.
func TestRejectedKeysAreTakenWhenTheirTokenArrives(t *testing.T) {
	t.Parallel()
	path := keysDir(t, "keys.yaml", "keys:"+withCredential("dev", ""))
	token := filepath.Join(filepath.Dir(path), "token")
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path)
		w.write(t, "keys:"+withCredential("dev", staticIn("token")))
		tick()
		tick()
		require.Len(t, w.reloaded(), 1, "one report a version")
		require.ErrorContains(t, w.reloaded()[0], "keys[0].credential.file: no such file or directory")
		require.NoError(t, os.WriteFile(token, nil, 0o600))
		tick()
		tick()
		require.Len(t, w.reloaded(), 2, "what is wrong has changed")
		require.Nil(t, principalOf(t, w.authenticator, "dev").Credential)
		require.NoError(t, os.WriteFile(token, []byte(secretA), 0o600))
		tick()
		tick()
		require.Len(t, w.reloaded(), 3)
		require.NoError(t, w.reloaded()[2])
		require.Equal(t, "Bearer "+secretA, tokenOf(t, principalOf(t, w.authenticator, "dev")))
		require.NotContains(t, w.log.String(), marker)
	})
}

func TestAPrincipalShowsNoToken(t *testing.T) {
	t.Parallel()
	keys, err := apikey.Open(keysDir(t, "token", secretA, "keys.yaml", "keys:"+withCredential("dev", staticIn("token"))), apikey.Options{})
	require.NoError(t, err)
	who := principalOf(t, authenticatorOf(keys), "dev")
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+"\n", who, *who)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("principal", "pointer", who, "value", *who)
	}
	require.Contains(t, out.String(), who.Credential.String())
	require.NotContains(t, out.String(), marker)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", secretA))
}
