package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// serveUpstream serves a Temporal server on a free port. It has the namespace orders, for calls with an authorization.
func serveUpstream(t *testing.T) (address string, server *upstreamtest.Server) {
	t.Helper()
	server = upstreamtest.New(t)
	describe := upstreamtest.Respond(&workflowservice.DescribeNamespaceResponse{})
	server.Handle("DescribeNamespace", func(ctx context.Context, request []byte) ([]byte, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		switch {
		case len(md.Get("authorization")) == 0:
			return nil, status.Error(codes.PermissionDenied, "Request unauthorized.")
		case !strings.Contains(string(request), "orders"):
			return nil, status.Error(codes.NotFound, "Namespace is not found.")
		}
		return describe(ctx, request)
	})
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := server.NewGRPC()
	var serving sync.WaitGroup
	serving.Go(func() { _ = served.Serve(listener) })
	t.Cleanup(func() {
		served.Stop()
		serving.Wait()
	})
	return listener.Addr().String(), server
}

func signingKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// The check reports each server, namespace and issuer in a line, with minted tokens too.
func TestCheckConnects(t *testing.T) {
	t.Parallel()
	address, upstream := serveUpstream(t)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jwks" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	}))
	t.Cleanup(keys.Close)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"signing.pem": string(signingKey(t)),
		"keys.yaml":   "keys: [{id: a, secrets: [{sha256: " + strings.Repeat("ab", 32) + `}], grants: [{namespace: orders, role: read}, {namespace: "x*", role: read}]}]`,
		"gateway.yaml": `
upstream: {address: "` + address + `", credential: {mode: mint, mint: {keyFile: signing.pem}}}
auth:
  apiKeys: {file: keys.yaml}
  jwt: [{name: idp, issuer: "https://idp.example", audience: [flowgate], jwksURL: "` + keys.URL + `/jwks"}]
`,
		"faulty.yaml": `
upstream: {address: "` + address + `"}
namespaces:
  missing: {}
  away: {upstream: {address: "127.0.0.1:1"}}
  passed: {credential: {mode: passthrough}}
auth:
  apiKeys: {file: keys.yaml}
  jwt:
    - {name: idp, issuer: "` + keys.URL + `", audience: [flowgate], discovery: true}
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	code, stdout, stderr := runCommand("check", "--connect", "--config", filepath.Join(dir, "gateway.yaml"))
	require.Equal(t, exitOK, code, stdout+stderr)
	require.Equal(t, "configuration OK\nTemporal server "+address+": OK\nnamespace orders: OK\nkeys of the issuer idp: OK\n", stdout)
	calls := upstream.Calls("DescribeNamespace")
	require.Len(t, calls, 1)
	require.Contains(t, calls[0].Metadata.Get("authorization")[0], "Bearer ey")

	code, stdout, stderr = runCommand("check", "--connect", "--config", filepath.Join(dir, "faulty.yaml"))
	require.Equal(t, exitFailure, code, stdout+stderr)
	require.Equal(t, "warning: namespaces.passed.credential.mode: passthrough sends the caller's JWT; calls without one get 502 upstream-auth-failed: API key a\n", stderr)
	for _, want := range []string{
		"Temporal server " + address + ": OK\n",
		"Temporal server 127.0.0.1:1 of namespace away: failed, upstream-unavailable: ",
		"namespace away: failed, upstream-unavailable: ",
		"namespace missing: failed, permission-denied: ",
		"namespace passed: skipped, its credential is the JWT of a caller\n",
		"keys of the issuer idp: failed, discovery: status 404\n",
	} {
		require.Contains(t, stdout, want)
	}

	require.Equal(t, exitOK, func() int {
		code, _, _ := runCommand("check", "--config", filepath.Join(dir, "faulty.yaml"))
		return code
	}(),
		"without --connect, only the configuration is checked")
	code, _, _ = runCommand("check", "--connect", "--config", filepath.Join(dir, "absent.yaml"))
	require.Equal(t, exitUsage, code)
}

// The commands read the file auth.file as the gateway does.
func TestCommandsReadTheFileOfIssuers(t *testing.T) {
	t.Parallel()
	address, _ := serveUpstream(t)
	dir := t.TempDir()
	config, file := filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "auth.yaml")
	require.NoError(t, os.WriteFile(config, []byte("{upstream: {address: '"+address+"'}, auth: {file: auth.yaml}}"), 0o600))
	write := func(content string) { require.NoError(t, os.WriteFile(file, []byte(content), 0o600)) }

	write(`jwt: [{name: idp, issuer: "https://idp.example", audience: [flowgate], jwksURL: "http://127.0.0.1:1/jwks"}]`)
	code, stdout, stderr := runCommand("check", "--connect", "--config", config)
	require.Equal(t, exitFailure, code, stdout+stderr)
	require.Contains(t, stdout, "configuration OK\n")
	require.Contains(t, stdout, "keys of the issuer idp: failed, ")
	code, stdout, stderr = runCommand("config", "print", "--config", config)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "file: "+file+" # file\n")

	write("jwt: [{issuer: a}]")
	for _, args := range [][]string{{"check"}, {"config", "print"}, {"serve"}} {
		code, _, stderr = runCommand(append(args, "--config", config)...)
		require.Equal(t, exitUsage, code, args)
		require.Contains(t, stderr, "auth.file: "+file+": jwt[0].audience: must contain at least one value, and no empty value\n", args)
	}
	write(`jwt: [{issuer: "https://idp.example", audience: [flowgate], discovery: true, credential: mint}]`)
	code, _, stderr = runCommand("check", "--config", config)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "auth.file: "+file+": jwt[0].credential: requires upstream.credential.mint.keyFile\n")
}
