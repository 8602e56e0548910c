package image_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// buildah runs Debian's buildah with a storage of its own. The driver vfs and the isolation chroot work in containers too.
type buildah struct {
	program, storage string
}

// toolchainImage is the base of the build stage: an image with this machine's certificates, and nothing else.
const toolchainImage = "localhost/toolchain"

func newBuildah(t *testing.T) buildah {
	t.Helper()
	require.Zero(t, os.Geteuid(), "run the test as root: buildah mounts file systems and changes users")
	b := buildah{program: deploytest.Program(t, "buildah", "buildah"), storage: t.TempDir()}
	t.Cleanup(func() { b.run(t, "rm", "--all") }) // unmounts the file systems, which the storage contains
	b.commitToolchain(t)
	return b
}

// command returns a buildah command on the storage.
func (b buildah) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	args = append([]string{
		"--storage-driver", "vfs", "--root", filepath.Join(b.storage, "root"), "--runroot", filepath.Join(b.storage, "run"),
	}, args...)
	return exec.Command(b.program, args...) //nolint:gosec,noctx // the arguments are this package's
}

// run runs a buildah command and returns its standard output.
func (b buildah) run(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, b.command(t, args...))
}

// output runs a command and returns its standard output.
func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	command.Stderr = &stderr
	stdout, err := command.Output()
	require.NoError(t, err, "%s\n%s%s", command, stdout, stderr.String())
	return strings.TrimSpace(string(stdout))
}

// read returns the content of a file.
func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name) //nolint:gosec // a file of the repository, of the test or of /proc
	require.NoError(t, err)
	return content
}

// goVariable returns a variable of go env.
func goVariable(t *testing.T, name string) string {
	t.Helper()
	return output(t, exec.Command("go", "env", name)) //nolint:gosec,noctx // the arguments are this package's
}

// The directories of the build stage at which the caches of this machine are mounted.
const moduleCache, buildCache = "/go/pkg/mod", "/go/build"

// commitToolchain creates the base of the build stage. Go and a shell are this machine's: builds mount them.
func (b buildah) commitToolchain(t *testing.T) {
	t.Helper()
	container := b.run(t, "from", "scratch")
	root := b.run(t, "mount", container)
	for _, dir := range []string{"bin", "lib", "lib64"} {
		require.NoError(t, os.Symlink(filepath.Join("usr", dir), filepath.Join(root, dir)))
	}
	require.NoError(t, os.Mkdir(filepath.Join(root, "tmp"), 0o700))
	b.run(t, "copy", container, certificates, certificates)
	b.run(t, "config",
		"--env", "PATH="+filepath.Join(goVariable(t, "GOROOT"), "bin")+":/usr/bin",
		"--env", "GOMODCACHE="+moduleCache, "--env", "GOCACHE="+buildCache, "--env", "GOPROXY=off", "--env", "GOTOOLCHAIN=local",
		container)
	b.run(t, "commit", container, toolchainImage)
	b.run(t, "rm", container)
}

// build builds the Dockerfile of a source directory for Linux on an architecture, with an empty final base, and returns
// the name of the image.
func (b buildah) build(t *testing.T, source, arch string) string {
	t.Helper()
	image := "localhost/flowgate:" + filepath.Base(t.TempDir()) + "-" + arch
	goroot := goVariable(t, "GOROOT")
	begin := time.Now()
	b.run(t, "build", "--isolation", "chroot", "--layers=false", "--platform", "linux/"+arch,
		"--format", "docker", // the OCI format has no health check
		"--timestamp", "0",
		"--volume", "/usr:/usr:ro", "--volume", goroot+":"+goroot+":ro",
		"--volume", goVariable(t, "GOMODCACHE")+":"+moduleCache, "--volume", goVariable(t, "GOCACHE")+":"+buildCache,
		"--build-arg", "BUILDPLATFORM=linux/"+runtime.GOARCH, // Debian's version does not set it
		"--build-arg", "BUILD_IMAGE="+toolchainImage, "--build-arg", "RUNTIME_IMAGE=scratch",
		"--build-arg", "VERSION="+version, "--build-arg", "REVISION="+revision,
		"--tag", image, source)
	t.Logf("built the image for %s in %s", arch, time.Since(begin).Round(time.Second))
	return image
}

// imageConfig is the configuration of an image in Docker's format. The case of names does not matter to encoding/json.
type imageConfig struct {
	Architecture string `json:"architecture"`
	Config       struct {
		User         string              `json:"user"`
		Env          []string            `json:"env"`
		Entrypoint   []string            `json:"entrypoint"`
		Command      []string            `json:"cmd"`
		ExposedPorts map[string]struct{} `json:"exposedPorts"`
		Labels       map[string]string   `json:"labels"`
		Healthcheck  struct {
			Test     []string      `json:"test"`
			Interval time.Duration `json:"interval"`
			Timeout  time.Duration `json:"timeout"`
		} `json:"healthcheck"`
	} `json:"config"`
	RootFS struct {
		Layers []string `json:"diff_ids"` //nolint:tagliatelle // Docker's name
	} `json:"rootfs"`
}

func (b buildah) inspect(t *testing.T, image string) imageConfig {
	t.Helper()
	var inspected struct {
		Docker imageConfig `json:"docker"`
	}
	require.NoError(t, json.Unmarshal([]byte(b.run(t, "inspect", "--type", "image", image)), &inspected))
	return inspected.Docker
}

// mount creates a container of an image and returns its name and the directory of its root file system.
func (b buildah) mount(t *testing.T, image string) (container, root string) {
	t.Helper()
	container = b.run(t, "from", image)
	return container, b.run(t, "mount", container)
}
