package server_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// The rate of an issuer applies to each of its callers, at both doors together. Their delegated tokens count too.
func TestTheRateOfAnIssuerLimitsEachCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{
			Configure: servertest.TrustIssuer(t, ", rate: {perSecond: 0.5, burst: 3}"), KeyTransport: servertest.NewIssuer(),
		})
		synctest.Wait()
		serveLists(g)
		caller := func(subject string) string {
			return servertest.NewJWT(servertest.WithClaim("sub", subject), servertest.WithClaim("permissions", []string{"default:write"}))
		}
		send := func(path, token string) servertest.Response { return get(path, servertest.Bearer(token)...).Send(t, g) }
		delegated := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/other/tokens", servertest.TokenBody, servertest.Bearer(caller("busy"))...)
		require.Equal(t, http.StatusCreated, delegated.Status, delegated.Body)
		require.Equal(t, `"key";q=3;w=6`, delegated.Header.Get("RateLimit-Policy"))
		for _, path := range []string{servertest.WorkflowsPath, temporalWorkflowsPath} {
			require.Equal(t, http.StatusOK, send(path, caller("busy")).Status)
		}
		before := g.UpstreamCalls()
		for _, credential := range []string{caller("busy"), delegated.Field(t, "token")} {
			resp := send(servertest.WorkflowsPath, credential)
			require.Equal(t, http.StatusTooManyRequests, resp.Status, resp.Body)
			require.Equal(t, "2", resp.Header.Get("Retry-After"))
			require.Equal(t, http.StatusTooManyRequests, send(temporalWorkflowsPath, credential).Status)
		}
		require.Equal(t, before, g.UpstreamCalls())
		require.Equal(t, http.StatusOK, send(servertest.WorkflowsPath, caller("calm")).Status)
		require.Empty(t, send(servertest.WorkflowsPath, servertest.WriterKey).Header.Get("RateLimit"))
		time.Sleep(2 * time.Second)
		require.Equal(t, http.StatusOK, send(servertest.WorkflowsPath, caller("busy")).Status)
	})
}

func TestInvalidRatesOfIssuersAndCertificates(t *testing.T) {
	t.Parallel()
	for _, rate := range []config.Rate{{Burst: 1}, {PerSecond: -1}, {PerSecond: 0.0001}, {PerSecond: 2_000_000}, {PerSecond: 1, Burst: -1}} {
		cfg := config.Default()
		cfg.Auth.JWT = []config.Issuer{{Issuer: "https://idp.example", Rate: rate}}
		cfg.Auth.Certificates = []config.Certificate{{Name: "a", Rate: rate}}
		err := cfg.Validate()
		require.ErrorContains(t, err, "auth.jwt[0].rate.", "%+v", rate)
		require.ErrorContains(t, err, "auth.certificates[0].rate.", "%+v", rate)
	}
}
