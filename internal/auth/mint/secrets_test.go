package mint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/mint"
)

func TestKeysAndTokensAreNeverPrinted(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	scalar, err := private.Bytes()
	require.NoError(t, err)
	content := pkcs8(t, private)
	path := writeFile(t, content)
	synctest.Test(t, func(t *testing.T) {
		var recorder reloadRecorder
		signer, err := mint.Open(settings(path), recorder.options())
		require.NoError(t, err)
		go signer.Watch(t.Context(), interval)
		token := tokenFor(t, signer, readCall("dev", "default"))
		for _, file := range []string{content + "garbage-----BEGIN", ecKey(t) + content, strings.ToLower(content)} {
			rewrite(t, path, file)
			time.Sleep(20 * interval)
			synctest.Wait()
		}
		recorder.options().Log.Info("printed", "signer", signer)
		printed := []string{recorder.log.String(), string(signer.JWKS())}
		source := struct {
			Exported auth.Source
			hidden   auth.Source
			pointer  *mint.Signer
		}{signer, signer, signer}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			printed = append(printed, fmt.Sprintf(verb, signer), fmt.Sprintf(verb, source), fmt.Sprintf(verb, auth.NewCredential("mint", signer)))
		}
		for _, err := range recorder.reloaded() {
			printed = append(printed, fmt.Sprint(err))
		}
		all := strings.ToLower(strings.Join(printed, "\n"))
		der := strings.Split(content, "\n")[1]
		for _, secret := range []string{
			token, token[strings.LastIndex(token, ".")+1:], der, fmt.Sprintf("%d", scalar),
			hex.EncodeToString(scalar), base64.StdEncoding.EncodeToString(scalar)[:40], base64.RawURLEncoding.EncodeToString(scalar)[:40],
			private.D.String(), //nolint:staticcheck // the deprecated field is also a form of the secret
		} {
			require.NotContains(t, all, strings.ToLower(secret))
		}
		require.Contains(t, all, "mint.signer")
	})
}
