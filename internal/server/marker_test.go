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
	*gateway

	spans   *syncBuffer
	answers strings.Builder
	// secrets stand nowhere; what the upstream is shown joins them at the end.
	secrets []string
}

// newSession runs a gateway with every kind of credential. It changes the
// environment.
func newSession(t *testing.T) *session {
	t.Helper()
	s := &session{spans: &syncBuffer{}, secrets: []string{marker, staticToken, ownToken, markedKey, mintKey, markedOverKey}}
	collects := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(s.spans, r.Body) }))
	t.Cleanup(collects.Close)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collects.URL)
	const grants = "grants: [{namespace: default, role: write}]"
	seals := filepath.Join(t.TempDir(), "seals")
	require.NoError(t, os.WriteFile(seals, []byte(strings.Repeat(marker, 8)), 0o600))
	keys := withKeys(entry{markedKey, grants}, entry{mintKey, grants + ", credential: {mode: mint}"}, entry{markedOverKey, grants + ", overrideAuthorization: true"})
	configure := changed(keys, minting(t, laterKey()), withMinted(withStatic(t, staticToken)), trusting(t, ", credential: passthrough"),
		func(cfg *config.Config) {
			cfg.Listen.DrainDelay, cfg.Log.Level, cfg.Tokens.KeyFiles = 0, "debug", []string{seals}
			cfg.Auth.FailureLimit.Burst = 1000
		})
	s.gateway = start(t, startOptions{configure: configure, keyTransport: newIssuer(), getenv: os.Getenv})
	s.secrets = append(s.secrets, base64.RawURLEncoding.EncodeToString(must(laterKey().Bytes())))
	for line := range strings.Lines(string(privatePEM(laterKey()))) {
		if !strings.HasPrefix(line, "---") {
			s.secrets = append(s.secrets, strings.TrimSpace(line))
		}
	}
	answerAll(t, s.gateway)
	require.Eventually(t, func() bool { return visit(t, s.client, "/readyz").status == http.StatusOK }, 10*time.Second, time.Millisecond)
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
	before := len(s.upstream.AllCalls())
	for _, call := range [][3]string{
		{http.MethodGet, workflows},
		{http.MethodPost, workflows, start1("")},
		{http.MethodGet, order + "/result?wait=1s"},
		{http.MethodGet, "/v1/namespaces/default/client"},
		{http.MethodGet, "/v1/system-info"},
		{http.MethodGet, jwksPath},
		{http.MethodPost, order + "/signal", `{"signal":"s","unknown":1}`},
		{http.MethodGet, workflows + "?api_key=" + markedKey},
		{http.MethodGet, "/v1/namespaces/other/workflows"},
		{http.MethodDelete, order},
		{http.MethodGet, "/v1/nothing"},
		{http.MethodGet, temporalWorkflows},
		{http.MethodPost, temporalWorkflows + "/w", `{}`},
		{http.MethodPost, temporalWorkflows + "/w", `{"no`},
		{http.MethodGet, "/api/v1/namespaces/other/workflows"},
	} {
		s.note(ask{method: call[0], path: call[1], body: call[2], headers: headers, stranger: true}.send(t, s.gateway), "")
	}
	var shown []string
	for _, call := range s.upstream.AllCalls()[before:] {
		if call.Method != "GetSystemInfo" { // which the gateway asks for itself
			shown = append(shown, call.Metadata.Get("authorization")...)
		}
	}
	slices.Sort(shown)
	return slices.Compact(shown)
}

// note keeps an answer, without the one secret that it is there to tell.
func (s *session) note(a answered, told string) {
	_, _ = fmt.Fprintln(&s.answers, a.status, a.header)
	if told != "" {
		a.body = strings.Replace(a.body, told, "", 1)
	}
	s.answers.WriteString(a.body)
}

// goodAndBad is the session itself: it fails where the upstream is shown what
// does not belong there.
func (s *session) goodAndBad(t *testing.T) {
	t.Helper()
	alices := token(claim("note", marker))
	made := s.do(t, http.MethodPost, order+"/tokens", approval, bearer(markedKey)...)
	delegatedToken := made.field(t, "token")
	s.note(made, delegatedToken)
	s.secrets = append(append(s.secrets, delegatedToken), strings.Split(alices, ".")[1:]...)

	const static = "Bearer " + staticToken
	require.Equal(t, []string{static}, s.everywhere(t, bearer(markedKey)...))
	require.Equal(t, []string{static}, s.everywhere(t, "X-API-Key", markedKey, "Cookie", marker, "Proxy-Authorization", marker))
	require.Equal(t, []string{"Bearer " + alices}, s.everywhere(t, bearer(alices)...))
	require.Equal(t, []string{static}, s.everywhere(t, bearer(delegatedToken)...))
	override := append(bearer(markedOverKey), "Grpc-Metadata-Authorization", "Bearer "+ownToken)
	require.Equal(t, []string{"Bearer " + ownToken}, s.everywhere(t, override...))
	for _, shown := range s.everywhere(t, bearer(mintKey)...) {
		require.NotContains(t, []string{static, "Bearer " + mintKey}, shown)
		s.secrets = append(s.secrets, strings.Split(shown, ".")[1:]...)
	}

	forged := token(claim("note", marker), signedBy("ec", gojwt.SigningMethodES256, forgerKey()))
	ended := token(claim("note", marker), within("iat", -2*time.Hour), within("exp", -time.Hour))
	for _, bad := range [][]string{
		bearer(markedKey + "x"), bearer("fg_" + marker + "_" + marker), bearer(marker),
		{"Authorization", "Basic " + marker},
		{"Authorization", marker},
		bearer(forged), bearer(ended), bearer(delegatedToken[:len(delegatedToken)-1]), bearer(markedKey + " " + marker),
		append(bearer(markedKey), "X-API-Key", markedKey),
		{"X-API-Key", alices},
		{"Proxy-Authorization", "Bearer " + markedKey},
	} {
		require.Empty(t, s.everywhere(t, bad...), "%v", bad)
	}
	require.Equal(t, []string{static}, s.everywhere(t, append(bearer(markedKey), "Grpc-Metadata-Authorization", "Bearer "+ownToken)...),
		"at the Temporal door it is dropped")
	s.secrets = append(append(s.secrets, strings.Split(forged, ".")[1:]...), strings.Split(ended, ".")[1:]...)
	s.upstream.Handle("ListWorkflowExecutions", upstreamtest.Fail(codes.Unauthenticated, "who is that"))
	require.Equal(t, []string{"Bearer " + alices}, s.everywhere(t, bearer(alices)...))
}

// TestSecretsStayWhereTheyBelong changes the environment, and so is alone.
func TestSecretsStayWhereTheyBelong(t *testing.T) { //nolint:paralleltest // see above
	s := newSession(t)
	s.goodAndBad(t)
	for _, path := range []string{"/metrics", "/readyz"} {
		s.note(visit(t, s.admin, path), "")
	}
	calls := s.upstream.AllCalls()
	s.stop()
	require.NoError(t, <-s.done)
	var metadata strings.Builder
	for _, call := range calls {
		md := call.Metadata.Copy()
		md.Delete("authorization")
		_, _ = fmt.Fprintln(&metadata, map[string][]string(md), string(call.Request))
	}
	for place, text := range map[string]string{
		"the log": s.log.String(), "a span": s.spans.String(), "an answer": s.answers.String(), "the upstream's metadata": metadata.String(),
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
		len(s.secrets), len(s.log.String()), len(s.spans.String()), s.answers.Len(), len(calls))
}
