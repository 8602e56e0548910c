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

// marker stands in every secret of TestSecretsStayWhereTheyBelong.
const marker = "MARKER"

// The keys of the session. The second has the credential mint, the third may
// override.
const (
	markedKey     = "fg_marked_" + marker + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	mintKey       = "fg_mint_" + marker + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	markedOverKey = "fg_over_" + marker + "cccccccccccccccccccccccccccccc"

	ownToken    = "own-" + marker
	staticToken = "static-" + marker
)

// session is a gateway of which everything is kept that it says.
type session struct {
	*servertest.Gateway

	spans   *testlog.Buffer
	answers strings.Builder
	// secrets stand nowhere; what the upstream is shown joins them at the end.
	secrets []string
}

// newSession runs a gateway with every kind of credential. It changes the
// environment.
func newSession(t *testing.T) *session {
	t.Helper()
	s := &session{spans: &testlog.Buffer{}, secrets: []string{marker, staticToken, ownToken, markedKey, mintKey, markedOverKey}}
	collects := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(s.spans, r.Body) }))
	t.Cleanup(collects.Close)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collects.URL)
	const grants = "grants: [{namespace: default, role: write}]"
	seals := filepath.Join(t.TempDir(), "seals")
	require.NoError(t, os.WriteFile(seals, []byte(strings.Repeat(marker, 8)), 0o600))
	keys := withKeys(entry{markedKey, grants}, entry{mintKey, grants + ", credential: {mode: mint}"}, entry{markedOverKey, grants + ", overrideAuthorization: true"})
	configure := servertest.Apply(keys, minting(t, servertest.LaterKey()), withMinted(withStatic(t, staticToken)), servertest.TrustIssuer(t, ", credential: passthrough"),
		func(cfg *config.Config) {
			cfg.Listen.DrainDelay, cfg.Log.Level, cfg.Tokens.KeyFiles = 0, "debug", []string{seals}
			cfg.Auth.FailureLimit.Burst = 1000
		})
	s.Gateway = servertest.Start(t, servertest.Options{Configure: configure, KeyTransport: servertest.NewIssuer(), Getenv: os.Getenv})
	s.secrets = append(s.secrets, base64.RawURLEncoding.EncodeToString(servertest.Must(servertest.LaterKey().Bytes())))
	for line := range strings.Lines(string(privatePEM(servertest.LaterKey()))) {
		if !strings.HasPrefix(line, "---") {
			s.secrets = append(s.secrets, strings.TrimSpace(line))
		}
	}
	answerAll(t, s.Gateway)
	require.Eventually(t, func() bool { return visit(t, s.Client, "/readyz").Status == http.StatusOK }, 10*time.Second, time.Millisecond)
	return s
}

// withMinted keeps the signing key of a configuration whose upstream is shown
// something else.
func withMinted(change func(*config.Config)) func(*config.Config) {
	return func(cfg *config.Config) {
		mint := cfg.Upstream.Credential.Mint
		change(cfg)
		cfg.Upstream.Credential.Mint = mint
	}
}

// everywhere sends a request of every kind to every door, and gives what the
// upstream was shown.
func (s *session) everywhere(t *testing.T, headers ...string) []string {
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
		{http.MethodGet, temporalWorkflows},
		{http.MethodPost, temporalWorkflows + "/w", `{}`},
		{http.MethodPost, temporalWorkflows + "/w", `{"no`},
		{http.MethodGet, "/api/v1/namespaces/other/workflows"},
	} {
		s.note(servertest.Request{Method: call[0], Path: call[1], Body: call[2], Headers: headers, Anonymous: true}.Send(t, s.Gateway), "")
	}
	var shown []string
	for _, call := range s.Upstream.AllCalls()[before:] {
		if call.Method != "GetSystemInfo" { // which the gateway asks for itself
			shown = append(shown, call.Metadata.Get("authorization")...)
		}
	}
	slices.Sort(shown)
	return slices.Compact(shown)
}

// note keeps an answer, without the one secret that it is there to tell.
func (s *session) note(a servertest.Response, told string) {
	_, _ = fmt.Fprintln(&s.answers, a.Status, a.Header)
	if told != "" {
		a.Body = strings.Replace(a.Body, told, "", 1)
	}
	s.answers.WriteString(a.Body)
}

// goodAndBad is the session itself: it fails where the upstream is shown what
// does not belong there.
func (s *session) goodAndBad(t *testing.T) {
	t.Helper()
	alices := servertest.NewJWT(servertest.WithClaim("note", marker))
	made := s.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", servertest.TokenBody, servertest.Bearer(markedKey)...)
	delegatedToken := made.Field(t, "token")
	s.note(made, delegatedToken)
	s.secrets = append(append(s.secrets, delegatedToken), strings.Split(alices, ".")[1:]...)

	const static = "Bearer " + staticToken
	require.Equal(t, []string{static}, s.everywhere(t, servertest.Bearer(markedKey)...))
	require.Equal(t, []string{static}, s.everywhere(t, "X-API-Key", markedKey, "Cookie", marker, "Proxy-Authorization", marker))
	require.Equal(t, []string{"Bearer " + alices}, s.everywhere(t, servertest.Bearer(alices)...))
	require.Equal(t, []string{static}, s.everywhere(t, servertest.Bearer(delegatedToken)...))
	override := append(servertest.Bearer(markedOverKey), "Grpc-Metadata-Authorization", "Bearer "+ownToken)
	require.Equal(t, []string{"Bearer " + ownToken}, s.everywhere(t, override...))
	for _, shown := range s.everywhere(t, servertest.Bearer(mintKey)...) {
		require.NotContains(t, []string{static, "Bearer " + mintKey}, shown)
		s.secrets = append(s.secrets, strings.Split(shown, ".")[1:]...)
	}

	forged := servertest.NewJWT(servertest.WithClaim("note", marker), servertest.SignedBy("ec", gojwt.SigningMethodES256, servertest.ForgerKey()))
	ended := servertest.NewJWT(servertest.WithClaim("note", marker), servertest.WithTimeClaim("iat", -2*time.Hour), servertest.WithTimeClaim("exp", -time.Hour))
	for _, bad := range [][]string{
		servertest.Bearer(markedKey + "x"), servertest.Bearer("fg_" + marker + "_" + marker), servertest.Bearer(marker),
		{"Authorization", "Basic " + marker},
		{"Authorization", marker},
		servertest.Bearer(forged), servertest.Bearer(ended), servertest.Bearer(delegatedToken[:len(delegatedToken)-1]), servertest.Bearer(markedKey + " " + marker),
		append(servertest.Bearer(markedKey), "X-API-Key", markedKey),
		{"X-API-Key", alices},
		{"Proxy-Authorization", "Bearer " + markedKey},
	} {
		require.Empty(t, s.everywhere(t, bad...), "%v", bad)
	}
	require.Equal(t, []string{static}, s.everywhere(t, append(servertest.Bearer(markedKey), "Grpc-Metadata-Authorization", "Bearer "+ownToken)...),
		"at the Temporal door it is dropped")
	s.secrets = append(append(s.secrets, strings.Split(forged, ".")[1:]...), strings.Split(ended, ".")[1:]...)
	s.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Fail(codes.Unauthenticated, "who is that"))
	require.Equal(t, []string{"Bearer " + alices}, s.everywhere(t, servertest.Bearer(alices)...))
}

// TestSecretsStayWhereTheyBelong changes the environment, and so is alone.
func TestSecretsStayWhereTheyBelong(t *testing.T) { //nolint:paralleltest // see above
	s := newSession(t)
	s.goodAndBad(t)
	for _, path := range []string{"/metrics", "/readyz"} {
		s.note(visit(t, s.Admin, path), "")
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
	for place, text := range map[string]string{
		"the log": s.Log.String(), "a span": s.spans.String(), "an answer": s.answers.String(), "the upstream's metadata": metadata.String(),
	} {
		require.NotEmpty(t, text, place)
		for _, secret := range s.secrets {
			require.NotEmpty(t, secret)
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%q stands in %s: …%q…", secret, place, text[max(0, at-200):min(len(text), at+len(secret)+50)])
			}
		}
	}
	require.Contains(t, s.spans.String(), "GET /v1/namespaces/{namespace}/workflows", "spans can be read as they are")
	require.Contains(t, metadata.String(), "temporal-namespace")
	t.Logf("%d secrets; %d bytes of log, %d of spans, %d of answers; %d upstream calls",
		len(s.secrets), len(s.Log.String()), len(s.spans.String()), s.answers.Len(), len(calls))
}
