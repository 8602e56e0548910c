package compose_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// project loads the Compose file by the rules of the Compose client, without variables of the environment.
func project(t *testing.T) *types.Project {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	loaded, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml")}},
		Environment: types.Mapping{},
	})
	require.NoError(t, err)
	return loaded
}

func TestPortsAreOnLoopback(t *testing.T) {
	t.Parallel()
	ports := 0
	for _, service := range project(t).Services {
		require.NotEqual(t, "host", service.NetworkMode, service.Name)
		for _, port := range service.Ports {
			require.NotNil(t, net.ParseIP(port.HostIP), "%s: port %s", service.Name, port.Published)
			require.True(t, net.ParseIP(port.HostIP).IsLoopback(), "%s: port %s", service.Name, port.Published)
			ports++
		}
	}
	require.Equal(t, 4, ports, "the load balancer, Temporal, Prometheus and Grafana")
}

func TestImagesAreOfOneVersion(t *testing.T) {
	t.Parallel()
	versions := map[string]string{}
	for _, service := range project(t).Services {
		name, version, found := strings.Cut(service.Image, ":")
		require.True(t, found, service.Image)
		if service.Build == nil {
			require.Regexp(t, `^v?\d+\.\d+(\.\d+)?(-alpine[0-9.]*)?$`, version, service.Image)
		}
		if other, known := versions[name]; known {
			require.Equal(t, other, version, name)
		}
		versions[name] = version
	}
	require.Equal(t, versions["temporalio/server"], versions["temporalio/admin-tools"])
}

func TestMountedFilesExist(t *testing.T) {
	t.Parallel()
	mounted := map[string]bool{}
	for _, service := range project(t).Services {
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				require.FileExists(t, volume.Source, service.Name)
				require.True(t, volume.ReadOnly, "%s: %s", service.Name, volume.Source)
				mounted[filepath.Base(volume.Source)] = true
			}
		}
	}
	for _, pattern := range []string{"*.sh", "*.cfg", "*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			require.True(t, mounted[file] || file == "compose.yaml", "no service mounts %s", file)
		}
	}
}

// Grafana reads dashboards from the directory that the provider names.
func TestDashboardIsInDirectoryOfProvider(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("grafana-dashboards.yaml")
	require.NoError(t, err)
	var config struct {
		Providers []struct {
			Options struct{ Path string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &config))
	require.Len(t, config.Providers, 1)
	service, err := project(t).GetService("grafana")
	require.NoError(t, err)
	dashboards := 0
	for _, volume := range service.Volumes {
		if filepath.Ext(volume.Source) == ".json" {
			require.Equal(t, config.Providers[0].Options.Path, filepath.Dir(volume.Target))
			dashboards++
		}
	}
	require.Positive(t, dashboards)
}

// A password in the file would be the same for every user.
func TestSecretsAreFiles(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(?i)password|pwd|secret|token|key`)
	files := 0
	for _, service := range project(t).Services {
		for name, value := range service.Environment {
			if secret.MatchString(name) {
				require.NotNil(t, value, name)
				require.True(t, strings.HasPrefix(*value, "/secrets/"), "%s: %s", service.Name, name)
				files++
			}
		}
	}
	require.Equal(t, 2, files, "the passwords of the database and of Grafana")
}

func TestReplicasCanDrain(t *testing.T) {
	t.Parallel()
	const margin = 15 * time.Second // of docs/operations.md
	drain := margin
	for _, setting := range []string{"listen.drainDelay", "listen.drainTimeout"} {
		value, err := time.ParseDuration(deploytest.SettingDefault(t, setting))
		require.NoError(t, err)
		drain += value
	}
	loaded := project(t)
	for _, name := range replicas {
		service, err := loaded.GetService(name)
		require.NoError(t, err)
		require.NotNil(t, service.StopGracePeriod)
		require.Equal(t, drain, time.Duration(*service.StopGracePeriod))
		require.Equal(t, []string{"ALL"}, service.CapDrop)
		require.True(t, service.ReadOnly)
	}
}
