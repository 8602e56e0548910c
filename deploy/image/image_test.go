package image_test

import (
	"bytes"
	"crypto/x509"
	"debug/buildinfo"
	"debug/elf"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

const (
	version, revision = "1.2.3-test", "0123456789abcdef0123456789abcdef01234567"
	// certificates is the file that Go reads first on Linux.
	certificates = "/etc/ssl/certs/ca-certificates.crt"
	binary       = "/usr/local/bin/gateway"
)

// TestImage builds the image for the architecture of this machine, examines and runs it, and builds it for the other
// architecture. The parts share the image.
func TestImage(t *testing.T) {
	t.Parallel()
	output(t, inRepository(t, "go", "mod", "download")) // the build has no network
	b := newBuildah(t)
	image := b.build(t, deploytest.Repository(t), runtime.GOARCH)

	requireConfiguration(t, b.inspect(t, image))
	requireContent(t, b, image)
	requireReproducible(t, b, image)
	requireRuns(t, b, image)
	requireOtherArchitecture(t, b)
}

// inRepository returns a command that runs in the root of the repository.
func inRepository(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(name, args...) //nolint:gosec,noctx // the arguments are this package's
	command.Dir = deploytest.Repository(t)
	return command
}

func requireConfiguration(t *testing.T, image imageConfig) {
	t.Helper()
	require.Equal(t, runtime.GOARCH, image.Architecture)
	config := image.Config
	require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, config.User, "Kubernetes can verify only of a number that it is not root")
	require.Equal(t, []string{binary}, config.Entrypoint)
	require.Equal(t, []string{"serve", "--config", "/etc/flowgate/gateway.yaml"}, config.Command)
	require.Contains(t, config.Env, "FLOWGATE_LISTEN_ADMIN=:8081")
	require.Equal(t, map[string]struct{}{"8080/tcp": {}, "8081/tcp": {}}, config.ExposedPorts)
	require.Equal(t, []string{"CMD", binary, "health", "--live"}, config.Healthcheck.Test, "there is no shell")
	require.Greater(t, config.Healthcheck.Timeout, 3*time.Second, "gateway health reports a failure after 3 s")
	for label, value := range map[string]string{
		"title": "Flowgate", "version": version, "revision": revision, "licenses": "Apache-2.0",
		"source": "https://github.com/flowgate/flowgate",
	} {
		require.Equal(t, value, config.Labels["org.opencontainers.image."+label])
	}
}

// requireContent checks that the image has nothing but a static binary and valid certificates.
func requireContent(t *testing.T, b buildah, image string) {
	t.Helper()
	_, root := b.mount(t, image)
	var files []string
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, "/"+path)
		}
		return err
	}))
	require.Equal(t, []string{certificates, binary}, files)

	executable, err := elf.Open(filepath.Join(root, binary))
	require.NoError(t, err)
	libraries, err := executable.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)
	require.NoError(t, executable.Close())

	bundle := read(t, filepath.Join(root, certificates))
	authorities := 0
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		_, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		authorities++
	}
	require.Greater(t, authorities, 50)
}

// requireReproducible compares the image with another one, and its binary with one that is built as for the archives of a
// release, both from a copy of the sources in another directory.
func requireReproducible(t *testing.T, b buildah, image string) {
	t.Helper()
	source := copySources(t)
	other := b.build(t, source, runtime.GOARCH)
	require.Equal(t, b.inspect(t, image).RootFS.Layers, b.inspect(t, other).RootFS.Layers)

	archived := filepath.Join(t.TempDir(), "gateway")
	build := releaseBuild(t)
	args := append([]string{"build", "-o", archived}, build.Flags...)
	args = append(args, "-ldflags", strings.ReplaceAll(strings.Join(build.LinkerFlags, " "), "{{ .Version }}", version), build.Main)
	command := exec.Command("go", args...) //nolint:gosec,noctx // the arguments are this package's
	command.Dir, command.Env = source, append(os.Environ(), build.Env...)
	output(t, command)
	_, root := b.mount(t, image)
	requireEqualFiles(t, filepath.Join(root, binary), archived)
	info, err := buildinfo.ReadFile(archived)
	require.NoError(t, err)
	for _, setting := range info.Settings {
		require.NotContains(t, setting.Value, source)
	}
}

func requireOtherArchitecture(t *testing.T, b buildah) {
	t.Helper()
	arch := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	image := b.build(t, deploytest.Repository(t), arch)
	require.Equal(t, arch, b.inspect(t, image).Architecture)
	_, root := b.mount(t, image)
	executable, err := elf.Open(filepath.Join(root, binary))
	require.NoError(t, err)
	require.Equal(t, map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch], executable.Machine)
	require.NoError(t, executable.Close())
}

func requireEqualFiles(t *testing.T, name, other string) {
	t.Helper()
	first := read(t, name)
	second := read(t, other)
	require.True(t, bytes.Equal(first, second), "%s and %s differ", name, other)
}

// copySources copies what .dockerignore includes to a new directory.
func copySources(t *testing.T) string {
	t.Helper()
	repository, target := deploytest.Repository(t), t.TempDir()
	ignore := read(t, filepath.Join(repository, ".dockerignore"))
	included := regexp.MustCompile(`(?m)^!(\S+)$`).FindAllStringSubmatch(string(ignore), -1)
	require.NotEmpty(t, included)
	names := []string{"Dockerfile", ".dockerignore"}
	for _, match := range included {
		names = append(names, match[1])
	}
	output(t, inRepository(t, "cp", append(append([]string{"-R"}, names...), target)...))
	return target
}

// goreleaserBuild is the build of the archives in .goreleaser.yaml.
type goreleaserBuild struct {
	Main        string   `yaml:"main"`
	Env         []string `yaml:"env"`
	Flags       []string `yaml:"flags"`
	LinkerFlags []string `yaml:"ldflags"`
}

func releaseBuild(t *testing.T) goreleaserBuild {
	t.Helper()
	text := read(t, filepath.Join(deploytest.Repository(t), ".goreleaser.yaml"))
	var release struct {
		Builds []goreleaserBuild `yaml:"builds"`
	}
	require.NoError(t, yaml.Unmarshal(text, &release))
	require.Len(t, release.Builds, 1)
	return release.Builds[0]
}

// The image is built with the version of Go that the tests use.
func TestImageHasGoVersionOfTests(t *testing.T) {
	t.Parallel()
	read := func(name, pattern string) string {
		text := read(t, filepath.Join(deploytest.Repository(t), name))
		match := regexp.MustCompile(pattern).FindSubmatch(text)
		require.NotNil(t, match, "%s in %s", pattern, name)
		return string(match[1])
	}
	require.Equal(t, read("mise.toml", `(?m)^go = "(.+)"$`), read("Dockerfile", `(?m)^ARG BUILD_IMAGE=\S+/golang:([^-\s]+)`))
}

// snapshot returns the mode, the size and the modification time of every file and directory in a root file system, except
// of run, where buildah writes.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "run" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		files[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
		return nil
	}))
	return files
}
