package deploytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// aptUpdate refreshes the package lists at most once per process.
var aptUpdate = sync.OnceValues(func() ([]byte, error) { return aptGet("update") }) //nolint:gochecknoglobals // once per process

// Program returns the path of a program. If the program is missing and the process runs as root, Program installs the
// Debian package that contains it.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	if path := find(name); path != "" {
		return path
	}
	if os.Geteuid() != 0 {
		require.FailNowf(t, "a program is missing", "install %s: it is in Debian's package %s", name, debianPackage)
	}
	if output, err := aptUpdate(); err != nil {
		t.Logf("apt-get update: %v\n%s", err, output) // the existing lists may be sufficient
	}
	output, err := aptGet("install", "--yes", "--no-install-recommends", debianPackage)
	require.NoError(t, err, "%s", output)
	path := find(name)
	require.NotEmpty(t, path, "the package %s does not contain %s", debianPackage, name)
	return path
}

// find returns the path of a program, or an empty string. The PATH of an unprivileged user often lacks the directories
// of servers.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// aptGet runs apt-get without questions and without starting the services that it installs. It awaits the lock of another
// installation for up to five minutes.
func aptGet(args ...string) ([]byte, error) {
	args = append([]string{"-o", "DPkg::Lock::Timeout=300", "-q"}, args...)
	command := exec.Command("apt-get", args...) //nolint:gosec,noctx // the arguments are this package's
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	return command.CombinedOutput()
}
