package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const explainedLog = `{"time":"2026-11-30T10:00:00.5Z","level":"INFO","msg":"serving"}
{"time":"2026-11-30T10:00:01.5Z","level":"INFO","msg":"audit","principal":"billing","namespace":"orders","rpc":"StartWorkflowExecution","resource":"order-1","outcome":"upstream-unavailable","requestId":"r-1"}
pod/flowgate-1 {"time":"2026-11-30T10:00:02Z","level":"WARN","msg":"request","requestId":"r-1","method":"POST","route":"/v1/namespaces/{namespace}/workflows","status":503,"code":"upstream-unavailable","namespace":"orders","principal":"billing","rpc":"StartWorkflowExecution","grpcCode":"UNAVAILABLE","upstreamCalls":3,"retries":2,"clientIp":"192.0.2.1","durationUs":1234567,"detail":"connection refused\u001b[31m"}
{"time":"2026-11-30T10:00:03Z","level":"INFO","msg":"request","requestId":"r-10","method":"GET","status":200,"durationUs":1}
{"time":"2026-11-30T10:00:04Z","level":"INFO","msg":"request","requestId":"r-2","method":"GET","route":"/v1/system-info","status":401,"code":"invalid-credential","keyId":"old","reason":"expired","clientIp":"192.0.2.1","durationUs":10}
{"requestId":"r-1", "level": 30, "msg": {"another": "program"}}
{"requestId":"r-1",
`

func TestExplainDescribesRequest(t *testing.T) {
	t.Parallel()
	huge := `{"requestId":"r-1","msg":"request","detail":"` + strings.Repeat("x", 3*maxLogLine) + "\"}\n"
	code, stdout, stderr := runWithInput(huge+explainedLog, "explain", "r-1")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, `2026-11-30T10:00:01.5Z  audit: StartWorkflowExecution by billing
  namespace         orders
  resource          order-1
  outcome           upstream-unavailable
2026-11-30T10:00:02Z  POST /v1/namespaces/{namespace}/workflows, from 192.0.2.1
  caller            billing
  namespace         orders
  response          503 upstream-unavailable, after 1.234567s
  meaning           `+lineAfter(stdout, "meaning")+`
  check             the network, TLS, or Temporal: see /readyz on the admin listener and flowgate_upstream_breaker_open
  Temporal          3 calls, 2 of them retries; the last one, StartWorkflowExecution, returned UNAVAILABLE
  detail            connection refused�[31m
`, stdout)
	require.NotEmpty(t, lineAfter(stdout, "meaning"))

	code, stdout, _ = runWithInput(explainedLog, "explain", "r-2")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "rejected key      old\n  rejected because  expired\n")
	require.Contains(t, stdout, "caller            not authenticated\n")

	for _, log := range []string{"", "text\n", strings.Repeat("{", 5*maxLogLine), explainedLog} {
		code, stdout, stderr = runWithInput(log, "explain", "absent")
		require.Equal(t, exitFailure, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "no line")
	}
	line := `{"requestId":"r","msg":"request"}` + "\n"
	_, stdout, _ = runWithInput(strings.Repeat(line, 2*maxExplained), "explain", "r")
	require.Equal(t, maxExplained, strings.Count(stdout, "no route matched"))
}

func lineAfter(text, name string) string {
	_, rest, _ := strings.Cut(text, "  "+name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

func TestKeysCheckShowsRightsAndLimits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hash := func(digit string) string { return strings.Repeat(digit, 64) }
	file := dir + "/keys.yaml"
	writeFile(t, file, `keys:
  - id: billing
    secrets: [{sha256: "`+hash("a")+`", notAfter: 2999-06-30T00:00:00Z}, {sha256: "`+hash("b")+`"}, {sha256: "`+hash("c")+`", notAfter: 1999-01-01T00:00:00Z}]
    grants: [{namespace: orders, role: write}, {namespace: "reports-*", role: read}]
    workflowTypes: [Invoice, Refund]
    taskQueues: [billing]
    nexusEndpoints: [payments]
    rate: {perSecond: 0.5, burst: 100}
    share: 0.25
    completionCallbacks: true
    overrideAuthorization: true
    credential: {mode: none}
`)
	code, stdout, stderr := runCommand("keys", "check", "--file", file)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "billing: write on orders, read on reports-*; 2 active secrets, until 2999-06-30T00:00:00Z, 1 expired; "+
		"workflow types Invoice, Refund; task queues billing; Nexus endpoints payments; rate 0.5 per second, burst 100; share 0.25; "+
		"credential none; completion callbacks; overrides authorization\n", stdout)
}

func TestConfigPrintIsAcceptedByCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir+"/keys.yaml", "keys: []")
	writeFile(t, dir+"/gateway.yaml", `
upstream: {metadata: {x-token: MARKER}}
auth: {apiKeys: {file: keys.yaml}, jwt: [{issuer: "https://idp.example", audience: [flowgate], discovery: true}]}
`)
	code, first, stderr := runCommand("config", "print", "--config", dir+"/gateway.yaml", "--set", "limits.maxWait=20s", "--metadata")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, first, "maxWait: 20s # flag")
	require.Contains(t, first, "x-token: MARKER")
	printed := t.TempDir() + "/printed.yaml"
	writeFile(t, printed, first)
	code, stdout, stderr := runCommand("check", "--config", printed)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "configuration OK\n", stdout)

	code, hidden, _ := runCommand("config", "print", "--config", dir+"/gateway.yaml")
	require.Equal(t, exitOK, code)
	require.NotContains(t, hidden, "MARKER")
	code, stdout, stderr = runCommand("config", "print", "--config", dir+"/gateway.yaml", "--set", "limits.maxWait=x")
	require.Equal(t, exitUsage, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "limits.maxWait")
}
