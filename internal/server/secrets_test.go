package server_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/testlog"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// marker is part of every secret of TestSecretsDoNotLeak.
const marker = "MARKER"

// The secrets of the test. mintKey is an API key with the upstream credential "mint". overrideKey is an API key that
// may override the authorization metadata, with ownToken. staticToken is the default upstream credential.
const (
	markedKey   = "fg_marked_" + marker + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	mintKey     = "fg_mint_" + marker + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	overrideKey = "fg_over_" + marker + "cccccccccccccccccccccccccccccc"

	ownToken    = "own-" + marker
	staticToken = "static-" + marker
)

// recordedGateway is a gateway whose complete output is recorded.
type recordedGateway struct {
	*servertest.Gateway

	spans     *testlog.Buffer
	responses strings.Builder
	// secrets must not occur in the output. run adds the tokens that it creates.
	secrets []string
}

// startRecorded runs a gateway with several kinds of credentials. It changes environment variables.
func startRecorded(t *testing.T) *recordedGateway {
	t.Helper()
	s := &recordedGateway{spans: &testlog.Buffer{}, secrets: []string{marker, staticToken, ownToken, markedKey, mintKey, overrideKey}}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(s.spans, r.Body) }))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	const grants = "grants: [{namespace: default, role: write}]"
	sealKey := filepath.Join(t.TempDir(), "seal.key") // of page tokens
	require.NoError(t, os.WriteFile(sealKey, []byte(strings.Repeat(marker, 8)), 0o600))
	keys := withKeys(keyEntry{markedKey, grants}, keyEntry{mintKey, grants + ", credential: {mode: mint}"}, keyEntry{overrideKey, grants + ", overrideAuthorization: true"})
	configure := servertest.Apply(keys, withMinting(t, servertest.RotatedKey()), keepSigningKey(withStatic(t, staticToken)), servertest.TrustIssuer(t, ", credential: passthrough"),
		func(cfg *config.Config) {
			cfg.Listen.DrainDelay, cfg.Log.Level, cfg.Tokens.KeyFiles = 0, "debug", []string{sealKey}
			cfg.Auth.FailureLimit.Burst = 1000 // more than the requests with an invalid credential
		})
	s.Gateway = servertest.Start(t, servertest.Options{Configure: configure, KeyTransport: servertest.NewIssuer(), Getenv: os.Getenv})
	s.secrets = append(s.secrets, base64.RawURLEncoding.EncodeToString(servertest.Must(servertest.RotatedKey().Bytes())))
	for line := range strings.Lines(string(privatePEM(servertest.RotatedKey()))) {
		if !strings.HasPrefix(line, "---") {
			s.secrets = append(s.secrets, strings.TrimSpace(line))
		}
	}
	serveAll(t, s.Gateway)
	require.Eventually(t, func() bool { return getAnonymously(t, s.Client, "/readyz").Status == http.StatusOK }, 10*time.Second, time.Millisecond)
	return s
}

// keepSigningKey returns a function that applies change, and then restores the signing key of minted tokens, which
// change removes.
func keepSigningKey(change func(*config.Config)) func(*config.Config) {
	return func(cfg *config.Config) {
		mint := cfg.Upstream.Credential.Mint
		change(cfg)
		cfg.Upstream.Credential.Mint = mint
	}
}

// sendAll sends requests of several kinds to both doors, and returns the credentials that
// the upstream received.
func (s *recordedGateway) sendAll(t *testing.T, headers ...string) []string {
	t.Helper()
	before := len(s.Upstream.AllCalls())
	for _, call := range [][3]string{
		{http.MethodGet, servertest.WorkflowsPath},
		{http.MethodPost, servertest.WorkflowsPath, servertest.StartBody("")},
		{http.MethodGet, servertest.OrderPath + "/result?wait=1s"},
		{http.MethodGet, "/v1/namespaces/default/client"},
		{http.MethodGet, "/v1/system-info"},
		{http.MethodGet, jwksPath},
		{http.MethodPost, servertest.OrderPath + "/signal", `{"signal":"s","unknown":1}`},
		{http.MethodGet, servertest.WorkflowsPath + "?api_key=" + markedKey},
		{http.MethodGet, "/v1/namespaces/other/workflows"},
		{http.MethodDelete, servertest.OrderPath},
		{http.MethodGet, "/v1/nothing"},
		{http.MethodGet, temporalWorkflowsPath},
		{http.MethodPost, temporalWorkflowsPath + "/w", `{}`},
		{http.MethodPost, temporalWorkflowsPath + "/w", `{"no`},
		{http.MethodGet, "/api/v1/namespaces/other/workflows"},
	} {
		s.record(servertest.Request{Method: call[0], Path: call[1], Body: call[2], Headers: headers, Anonymous: true}.Send(t, s.Gateway), "")
	}
	var received []string
	for _, call := range s.Upstream.AllCalls()[before:] {
		if call.Method != "GetSystemInfo" { // the health check
			received = append(received, call.Metadata.Get("authorization")...)
		}
	}
	slices.Sort(received)
	return slices.Compact(received)
}

// record records a response. token is the token that the response returns to the caller on purpose, or empty; it is not
// recorded.
func (s *recordedGateway) record(resp servertest.Response, token string) {
	_, _ = fmt.Fprintln(&s.responses, resp.Status, resp.Header)
	if token != "" {
		resp.Body = strings.Replace(resp.Body, token, "", 1)
	}
	s.responses.WriteString(resp.Body)
}

// run sends requests with valid and invalid credentials, and checks the credential that
// the upstream receives.
func (s *recordedGateway) run(t *testing.T) {
	t.Helper()
	aliceToken := servertest.NewJWT(servertest.WithClaim("note", marker))
	created := s.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", servertest.TokenBody, servertest.Bearer(markedKey)...)
	delegatedToken := created.Field(t, "token")
	s.record(created, delegatedToken)
	s.secrets = append(append(s.secrets, delegatedToken), strings.Split(aliceToken, ".")[1:]...) // the header of a JWT is not secret

	const static = "Bearer " + staticToken
	require.Equal(t, []string{static}, s.sendAll(t, servertest.Bearer(markedKey)...))
	require.Equal(t, []string{static}, s.sendAll(t, "X-API-Key", markedKey, "Cookie", marker, "Proxy-Authorization", marker))
	require.Equal(t, []string{"Bearer " + aliceToken}, s.sendAll(t, servertest.Bearer(aliceToken)...))
	require.Equal(t, []string{static}, s.sendAll(t, servertest.Bearer(delegatedToken)...))
	override := append(servertest.Bearer(overrideKey), "Grpc-Metadata-Authorization", "Bearer "+ownToken)
	require.Equal(t, []string{"Bearer " + ownToken}, s.sendAll(t, override...))
	for _, minted := range s.sendAll(t, servertest.Bearer(mintKey)...) {
		require.NotContains(t, []string{static, "Bearer " + mintKey}, minted)
		s.secrets = append(s.secrets, strings.Split(minted, ".")[1:]...)
	}

	forged := servertest.NewJWT(servertest.WithClaim("note", marker), servertest.SignedBy("ec", gojwt.SigningMethodES256, servertest.ForgerKey()))
	expired := servertest.NewJWT(servertest.WithClaim("note", marker), servertest.WithTimeClaim("iat", -2*time.Hour), servertest.WithTimeClaim("exp", -time.Hour))
	for _, bad := range [][]string{
		servertest.Bearer(markedKey + "x"), servertest.Bearer("fg_" + marker + "_" + marker), servertest.Bearer(marker),
		{"Authorization", "Basic " + marker},
		{"Authorization", marker},
		servertest.Bearer(forged), servertest.Bearer(expired), servertest.Bearer(delegatedToken[:len(delegatedToken)-1]), servertest.Bearer(markedKey + " " + marker),
		append(servertest.Bearer(markedKey), "X-API-Key", markedKey),
		{"X-API-Key", aliceToken},
		{"Proxy-Authorization", "Bearer " + markedKey},
	} {
		require.Empty(t, s.sendAll(t, bad...), "%v", bad)
	}
	require.Equal(t, []string{static}, s.sendAll(t, append(servertest.Bearer(markedKey), "Grpc-Metadata-Authorization", "Bearer "+ownToken)...),
		"/v1 rejects the header, and the Temporal HTTP API ignores it")
	s.secrets = append(append(s.secrets, strings.Split(forged, ".")[1:]...), strings.Split(expired, ".")[1:]...)
	s.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Fail(codes.Unauthenticated, "unknown token"))
	require.Equal(t, []string{"Bearer " + aliceToken}, s.sendAll(t, servertest.Bearer(aliceToken)...))
}

// The log, the spans, the responses and the upstream's metadata contain no secrets.
func TestSecretsDoNotLeak(t *testing.T) { //nolint:paralleltest // it changes the environment
	s := startRecorded(t)
	s.run(t)
	for _, path := range []string{"/metrics", "/readyz"} {
		s.record(getAnonymously(t, s.Admin, path), "")
	}
	calls := s.Upstream.AllCalls()
	s.Stop()
	require.NoError(t, <-s.Done)
	var metadata strings.Builder
	for _, call := range calls {
		md := call.Metadata.Copy()
		md.Delete("authorization")
		_, _ = fmt.Fprintln(&metadata, map[string][]string(md), string(call.Request))
	}
	for output, text := range map[string]string{
		"the log": s.Log.String(), "a span": s.spans.String(), "a response": s.responses.String(), "the upstream's metadata": metadata.String(),
	} {
		require.NotEmpty(t, text, output)
		for _, secret := range s.secrets {
			require.NotEmpty(t, secret)
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s contains %q: …%q…", output, secret, text[max(0, at-200):min(len(text), at+len(secret)+50)])
			}
		}
	}
	require.Contains(t, s.spans.String(), "GET /v1/namespaces/{namespace}/workflows", "spans are not compressed")
	require.Contains(t, metadata.String(), "temporal-namespace")
	t.Logf("%d secrets; %d bytes of log, %d of spans, %d of responses; %d upstream calls",
		len(s.secrets), len(s.Log.String()), len(s.spans.String()), s.responses.Len(), len(calls))
}
