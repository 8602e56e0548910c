package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// The gateway makes no system call that SystemCallFilter rejects, from its start to the end of its drain.
func TestGatewayRunsUnderSystemCallFilter(t *testing.T) {
	t.Parallel()
	stack := deploytest.Environment(t)
	trace := filepath.Join(t.TempDir(), "trace")
	config := filepath.Join(deploytest.Repository(t), "dev", "stack", "gateway.yaml")
	address := "127.0.0.1:" + strconv.Itoa(deploytest.FreePort(t))
	admin := "127.0.0.1:" + strconv.Itoa(deploytest.FreePort(t))
	// -D makes the gateway the child of the test, which sends the signals.
	command := exec.Command(deploytest.Program(t, "strace", "strace"), "-D", "-f", "-qq", "-e", "signal=none", "-o", trace, //nolint:gosec,noctx // ends with the test
		deploytest.GatewayBinary(t), "serve", "--config", config)
	command.Env = []string{
		"FLOWGATE_UPSTREAM_ADDRESS=" + stack.Temporal, "FLOWGATE_LISTEN_PUBLIC=" + address, "FLOWGATE_LISTEN_ADMIN=" + admin,
	}
	gateway := deploytest.Start(t, command)
	gateway.AwaitOK(t, "http://"+admin+"/readyz")
	deploytest.Get(t, "http://"+address+"/v1/namespaces/"+stack.Namespace+"/workflows", stack.WriterKey)
	require.NoError(t, gateway.Stop())

	permitted, made := permittedCalls(t), tracedCalls(t, trace)
	require.True(t, made["accept4"], "the trace is incomplete")
	for call := range made {
		require.True(t, permitted[call], "the filter rejects %s, which the gateway calls", call)
	}
	t.Logf("%d system calls of %d permitted ones", len(made), len(permitted))
}

// tracedCalls returns the names of the system calls in a trace.
func tracedCalls(t *testing.T, trace string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(trace) //nolint:gosec // a file of the test
	require.NoError(t, err)
	calls := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^\d+ +([a-z0-9_]+)\(`).FindAllStringSubmatch(string(text), -1) {
		calls[match[1]] = true
	}
	return calls
}

// permittedCalls returns the system calls that the unit permits. Those of @default are always permitted.
func permittedCalls(t *testing.T) map[string]bool {
	t.Helper()
	calls := map[string]bool{}
	add := func(name string) { calls[name] = true }
	forEachCall(t, "@default", add)
	for _, line := range lines(t, "flowgate.service") {
		value, ok := strings.CutPrefix(line, "SystemCallFilter=")
		if !ok {
			continue
		}
		names, denied := strings.CutPrefix(value, "~")
		for name := range strings.FieldsSeq(names) {
			if denied {
				forEachCall(t, name, func(name string) { delete(calls, name) })
			} else {
				forEachCall(t, name, add)
			}
		}
	}
	return calls
}

// forEachCall calls do for each system call in a group of systemd, including the groups in it.
func forEachCall(t *testing.T, group string, do func(name string)) {
	t.Helper()
	output, err := analyze(t, "syscall-filter", "--no-pager", group)
	require.NoError(t, err, "%s", output)
	for _, line := range strings.Split(output, "\n")[1:] {
		switch name := strings.TrimSpace(line); {
		case name == "", strings.HasPrefix(name, "#"):
		case strings.HasPrefix(name, "@"):
			forEachCall(t, name, do)
		default:
			do(name)
		}
	}
}
