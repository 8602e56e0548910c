package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// installed is where the unit expects the gateway.
const installed = "/usr/local/bin/gateway"

// unit writes the unit under the given name, and its drop-in, to a new directory, with the path of the gateway that make
// build has built. It returns the path of the unit.
func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("flowgate.service")
	require.NoError(t, err)
	require.Contains(t, string(text), installed)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "flowgate.service.d"), os.DirFS("flowgate.service.d")))
	path := filepath.Join(dir, name)
	text = bytes.ReplaceAll(text, []byte(installed), []byte(deploytest.GatewayBinary(t)))
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// analyze runs systemd-analyze and returns what it prints.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), deploytest.Program(t, "systemd-analyze", "systemd"), args...).CombinedOutput() //nolint:gosec // a program that the test names
	return string(output), err
}

func TestUnitIsValid(t *testing.T) {
	t.Parallel()
	for file, name := range map[string]string{"flowgate.service": "flowgate.service", "flowgate@.service": "flowgate@1.service"} {
		path := unit(t, file)
		output, err := analyze(t, "verify", "--man=no", filepath.Join(filepath.Dir(path), name))
		require.NoError(t, err, "%s", output)
		require.Empty(t, output, "a warning")
	}
}

// The threshold is ten times the exposure level. A lower level is better.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	path := unit(t, "flowgate.service")
	output, err := analyze(t, "security", "--offline=true", "--no-pager", "--threshold=20", path)
	require.NoError(t, err, "%s", output)
	level := regexp.MustCompile(`Overall exposure level for flowgate\.service: (\S+)`).FindStringSubmatch(output)
	require.NotNil(t, level, "%s", output)
	t.Logf("exposure level %s", level[1])
}

// systemd kills a service that does not exit within TimeoutStopSec.
func TestTimeoutIsLongerThanDrain(t *testing.T) {
	t.Parallel()
	const margin = 15 * time.Second // of docs/operations.md
	seconds, err := strconv.Atoi(property(t, "flowgate.service", "TimeoutStopSec"))
	require.NoError(t, err)
	drain := margin
	for _, setting := range []string{"listen.drainDelay", "listen.drainTimeout"} {
		value, err := time.ParseDuration(deploytest.SettingDefault(t, setting))
		require.NoError(t, err)
		drain += value
	}
	require.Equal(t, drain, time.Duration(seconds)*time.Second)
	descriptors, err := strconv.Atoi(property(t, "flowgate.service", "LimitNOFILE"))
	require.NoError(t, err)
	waits, err := strconv.Atoi(deploytest.SettingDefault(t, "limits.inFlight.waits"))
	require.NoError(t, err)
	require.Greater(t, descriptors, waits)
}

// The configuration and the credentials of the examples are complete: the gateway accepts them as they are.
func TestExampleIsValid(t *testing.T) {
	t.Parallel()
	credentials := t.TempDir()
	key, err := exec.CommandContext(t.Context(), deploytest.GatewayBinary(t), "keys", "new", "--id", "billing").Output() //nolint:gosec // a program that the test names
	require.NoError(t, err)
	_, entry, found := strings.Cut(string(key), "in the grants.\n")
	require.True(t, found)
	contents := map[string]string{
		"keys.yaml": "keys:\n" + entry, "page-token-key": strings.Repeat("0123456789abcdef", 2), "temporal-api-key": "a-key",
	}
	environment := []string{}
	for _, line := range lines(t, "flowgate.service.d/credentials.conf") {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "LoadCredential":
			file, source, _ := strings.Cut(value, ":")
			require.Equal(t, "/etc/flowgate/"+file, source)
			require.Contains(t, contents, file)
			require.NoError(t, os.WriteFile(filepath.Join(credentials, file), []byte(contents[file]), 0o600))
			delete(contents, file)
		case "Environment":
			environment = append(environment, strings.ReplaceAll(value, "%d", credentials))
		}
	}
	require.Empty(t, contents, "the example does not load these credentials")
	check := exec.CommandContext(t.Context(), deploytest.GatewayBinary(t), "check", "--config", "gateway.yaml") //nolint:gosec // a program that the test names
	check.Env = environment
	output, err := check.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Equal(t, "configuration OK\n", string(output))
}

// property returns the value of a property that the unit sets once.
func property(t *testing.T, file, name string) string {
	t.Helper()
	var values []string
	for _, line := range lines(t, file) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			values = append(values, value)
		}
	}
	require.Len(t, values, 1, name)
	return values[0]
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a file of this directory
	require.NoError(t, err)
	return strings.Split(string(text), "\n")
}
