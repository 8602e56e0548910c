package compose_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// replicas are the services of the gateway.
var replicas = []string{"gateway-1", "gateway-2"} //nolint:gochecknoglobals // a constant

const (
	pollInterval = 50 * time.Millisecond
	timeout      = 30 * time.Second
)

// machine takes the place of a container engine: its volumes are directories, and its containers are processes with the
// commands, the environment and the files of the Compose file.
type machine struct {
	project *types.Project
	dir     string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	return machine{project: project(t), dir: t.TempDir()}
}

// root returns a directory with the mounted files and volumes of a service, at the same paths as in its container.
func (m machine) root(t *testing.T, name string) string {
	t.Helper()
	service, err := m.project.GetService(name)
	require.NoError(t, err)
	root := t.TempDir()
	for _, volume := range service.Volumes {
		target := filepath.Join(root, volume.Target)
		require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o700))
		source := volume.Source
		if volume.Type == types.VolumeTypeVolume {
			require.Contains(t, m.project.Volumes, source)
			source = filepath.Join(m.dir, source)
			require.NoError(t, os.MkdirAll(source, 0o700))
		}
		require.NoError(t, os.Symlink(source, target))
	}
	return root
}

// file returns the text of the file that a service mounts at the given path.
func (m machine) file(t *testing.T, service, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root(t, service), path)) //nolint:gosec // a file of this directory
	require.NoError(t, err)
	return string(text)
}

// firstStart runs the services that create passwords and keys, and returns the API key.
func (m machine) firstStart(t *testing.T) string {
	t.Helper()
	root := m.root(t, "secrets")
	script := exec.CommandContext(t.Context(), "sh", filepath.Join(root, "secrets.sh")) //nolint:gosec // the script of the service
	script.Env = append(os.Environ(), "SECRETS="+filepath.Join(root, "secrets"))
	output, err := script.CombinedOutput()
	require.NoError(t, err, "run the tests as root: the files get an owner\n%s", output)

	service, err := m.project.GetService("keys")
	require.NoError(t, err)
	root = m.root(t, "keys")
	args := make([]string, len(service.Command))
	for i, arg := range service.Command {
		args[i] = strings.ReplaceAll(arg, "/etc/", root+"/etc/")
	}
	output, err = exec.CommandContext(t.Context(), deploytest.GatewayBinary(t), args...).CombinedOutput() //nolint:gosec // the command of the service
	require.NoError(t, err, "%s", output)
	key, err := os.ReadFile(filepath.Join(root, "etc/flowgate/keys/local.key")) //nolint:gosec // a file of the test
	require.NoError(t, err)
	return strings.TrimSpace(string(key))
}

// startReplicas starts the gateways. Their traces go to the given address.
func (m machine) startReplicas(t *testing.T, collector string) []*deploytest.Gateway {
	t.Helper()
	var gateways []*deploytest.Gateway
	for _, name := range replicas {
		service, err := m.project.GetService(name)
		require.NoError(t, err)
		environment := []string{"FLOWGATE_LISTEN_DRAIN_DELAY=0s"} // no caller is left when the test ends
		for name, value := range service.Environment {
			if name != "FLOWGATE_LISTEN_ADMIN" { // the gateway's own address, not the container's
				environment = append(environment, name+"="+strings.ReplaceAll(*value, "http://collector:4318", collector))
			}
		}
		config := filepath.Join(m.root(t, name), "etc/flowgate/gateway.yaml")
		gateways = append(gateways, deploytest.StartGateway(t, config, 0, 0, environment...))
	}
	return gateways
}

// A second start creates nothing: the volumes still have the passwords that the databases know.
func TestFirstStartCreatesSecretsOnce(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	first := m.firstStart(t)
	require.Regexp(t, `^fg_local_\w{32,}$`, first)
	contents := func() map[string]string {
		files := map[string]string{}
		for _, name := range []string{"database-password/password", "grafana-password/password", "gateway-keys/page-token.key", "gateway-keys/keys.yaml"} {
			text, err := os.ReadFile(filepath.Join(m.dir, name)) //nolint:gosec // a file of the test
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(text), 32, name)
			files[name] = string(text)
		}
		return files
	}
	before := contents()
	require.NotEqual(t, before["database-password/password"], before["grafana-password/password"])
	require.Equal(t, first, m.firstStart(t))
	require.Equal(t, before, contents())

	other := newMachine(t)
	require.NotEqual(t, first, other.firstStart(t))
}

// The replicas start with the keys of the first start, callers reach them through the load balancer, Prometheus scrapes
// both, and their traces reach the collector.
func TestReplicasLoadBalancerAndPrometheus(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	key := m.firstStart(t)
	var exports atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/v1/traces" {
			exports.Add(1)
		}
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(collector.Close)
	gateways := m.startReplicas(t, collector.URL)

	m.checkHealth(t, gateways)

	balancer := m.startLoadBalancer(t, gateways)
	stack := deploytest.Environment(t)
	for range 2 * len(gateways) {
		body := deploytest.Get(t, balancer+"/v1/namespaces/"+stack.Namespace+"/client", key)
		require.Contains(t, body, `"principal":"local"`)
		require.Contains(t, body, `"role":"admin"`)
	}
	prometheus := m.startPrometheus(t, gateways)
	require.Contains(t, deploytest.Get(t, prometheus+"/api/v1/rules?type=alert", ""), "Flowgate", "the alerts are not loaded")
	require.Eventually(t, func() bool {
		ready := query(t, prometheus, `flowgate_ready{job="flowgate"}`)
		for _, value := range ready {
			require.Equal(t, "1", value)
		}
		return len(ready) == len(gateways)
	}, timeout, pollInterval, "Prometheus has no metrics of both replicas")
	for _, gateway := range gateways {
		require.NoError(t, gateway.Stop(), gateway.Output()) // exports the last traces
	}
	require.Positive(t, exports.Load(), "no traces")
}

// checkHealth runs the health checks of the replicas.
func (m machine) checkHealth(t *testing.T, gateways []*deploytest.Gateway) {
	t.Helper()
	for i, name := range replicas {
		service, err := m.project.GetService(name)
		require.NoError(t, err)
		require.Equal(t, []string{"CMD", "/usr/local/bin/gateway"}, []string(service.HealthCheck.Test[:2]))
		command := exec.CommandContext(t.Context(), deploytest.GatewayBinary(t), service.HealthCheck.Test[2:]...) //nolint:gosec // the command of the service
		command.Env = []string{"FLOWGATE_LISTEN_ADMIN=" + strings.TrimPrefix(gateways[i].AdminURL, "http://")}
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
}

// startLoadBalancer starts HAProxy with the shipped configuration, in which only addresses differ.
func (m machine) startLoadBalancer(t *testing.T, gateways []*deploytest.Gateway) (url string) {
	t.Helper()
	address := "127.0.0.1:" + strconv.Itoa(deploytest.FreePort(t))
	text := replace(t, m.file(t, "loadbalancer", "/usr/local/etc/haproxy/haproxy.cfg"), "bind :8080", "bind "+address)
	for i, name := range replicas {
		text = replace(t, text, name+":8080", gateways[i].Address)
	}
	command := exec.Command(deploytest.Program(t, "haproxy", "haproxy"), "-db", "-f", write(t, "haproxy.cfg", text)) //nolint:gosec,noctx // ends with the test
	deploytest.Start(t, command).AwaitOK(t, "http://"+address+"/readyz")
	return "http://" + address
}

// startPrometheus starts Prometheus with the shipped configuration, in which only the targets and the interval differ.
func (m machine) startPrometheus(t *testing.T, gateways []*deploytest.Gateway) (url string) {
	t.Helper()
	root := m.root(t, "prometheus")
	check(t, filepath.Join(root, "etc/prometheus/prometheus.yml"))
	text := m.file(t, "prometheus", "/etc/prometheus/prometheus.yml")
	for i, name := range replicas {
		text = replace(t, text, name+":8081", strings.TrimPrefix(gateways[i].AdminURL, "http://"))
	}
	text = replace(t, text, "_interval: 15s", "_interval: 1s")
	config := filepath.Join(root, "etc/prometheus/changed.yml") // beside the rules
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	address := "127.0.0.1:" + strconv.Itoa(deploytest.FreePort(t))
	command := exec.Command(deploytest.Program(t, "prometheus", "prometheus"), "--config.file="+config, //nolint:gosec,noctx // ends with the test
		"--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+address)
	deploytest.Start(t, command).AwaitOK(t, "http://"+address+"/-/ready")
	return "http://" + address
}

// check requires that promtool accepts a configuration of Prometheus.
func check(t *testing.T, config string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), deploytest.Program(t, "promtool", "prometheus"), "check", "config", config).CombinedOutput() //nolint:gosec // a file of the test
	require.NoError(t, err, "%s", output)
}

// query returns the values of an instant query.
func query(t *testing.T, prometheus, expression string) []string {
	t.Helper()
	var response struct {
		Data struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	body := deploytest.Get(t, prometheus+"/api/v1/query?query="+url.QueryEscape(expression), "")
	require.NoError(t, json.Unmarshal([]byte(body), &response))
	var values []string
	for _, result := range response.Data.Result {
		value, ok := result.Value[1].(string)
		require.True(t, ok)
		values = append(values, value)
	}
	return values
}

// replace replaces a text that must occur.
func replace(t *testing.T, text, from, to string) string {
	t.Helper()
	require.Contains(t, text, from)
	return strings.ReplaceAll(text, from, to)
}

// write writes a file in a new directory and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
