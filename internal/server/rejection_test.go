package server_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// The log has the reason why a credential was rejected, and the id of the key if it has one. The caller learns neither,
// and no part of a secret is in the log, wherever the caller put it.
func TestLogHasReasonOfRejectedCredential(t *testing.T) {
	t.Parallel()
	const secret = "ssssssssssssssssssssssssssssssss" // has the form of an id too
	synctest.Test(t, func(t *testing.T) {
		jwt := servertest.NewJWT
		forged := func(d *servertest.JWTDraft) { d.Key = servertest.ForgerKey() }
		rows := map[string]struct{ credential, reason, keyID string }{
			"unknown id":               {"fg_nobody_" + secret, "unknown id", "nobody"},
			"wrong secret":             {"fg_writer_" + secret, "wrong secret", "writer"},
			"expired":                  {servertest.ExpiredKey, "expired", "expired"},
			"disabled":                 {servertest.DisabledKey, "disabled", "disabled"},
			"a secret as the id":       {"fg_" + secret + "_" + secret, "unknown id", ""},
			"a secret before the id":   {"fg_" + secret + "_writer", "malformed", ""},
			"a secret alone":           {secret, "malformed", ""},
			"a secret after a key":     {servertest.WriterKey + "_" + secret, "malformed", ""},
			"a JWT that has expired":   {jwt(servertest.WithTimeClaim("exp", -time.Hour)), "token is expired", ""},
			"another audience":         {jwt(servertest.WithClaim("aud", "other")), "token has invalid audience", ""},
			"an unknown issuer":        {jwt(servertest.WithClaim("iss", "https://"+secret)), "the issuer is not configured", ""},
			"an unknown kid":           {jwt(servertest.SignedBy(secret, gojwt.SigningMethodES256, servertest.ForgerKey())), "unknown kid: ", ""},
			"a forged signature":       {jwt(forged), "token signature is invalid", ""},
			"a forged delegated token": {"fgt." + secret, "invalid seal", ""},
		}
		g := servertest.Start(t, servertest.Options{KeyTransport: servertest.NewIssuer(), Configure: servertest.Apply(
			servertest.TrustIssuer(t, ""), func(cfg *config.Config) { cfg.Auth.FailureLimit.Burst = 100 },
		)})
		synctest.Wait()
		for name, row := range rows {
			requestID := strconv.Itoa(len(g.Log.String()))
			got := g.Do(t, http.MethodGet, servertest.WorkflowsPath, "", "Authorization", "Bearer "+row.credential, "X-Request-Id", requestID)
			require.Equal(t, http.StatusUnauthorized, got.Status, name)
			require.NotContains(t, got.Body, row.reason, name)
			synctest.Wait() // until the line is written
			var line struct{ KeyID, Reason string }
			for text := range strings.Lines(g.Log.String()) {
				if strings.Contains(text, `"requestId":"`+requestID+`"`) {
					require.NoError(t, json.Unmarshal([]byte(text), &line))
				}
			}
			require.Equal(t, row.keyID, line.KeyID, name)
			require.True(t, strings.HasPrefix(line.Reason, row.reason), "%s: %s", name, line.Reason)
		}
		require.NotContains(t, g.Log.String(), secret)
		require.NotContains(t, g.Log.String(), "eyJ")
	})
}
