package helm_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	loader3 "helm.sh/helm/v3/pkg/chart/loader"
	chartutil3 "helm.sh/helm/v3/pkg/chartutil"
	engine3 "helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

const (
	chartDir = "flowgate"
	// release and namespace are those of all renderings.
	release, namespace = "shop", "gateways"
)

// values are values of the chart, as in a file.
type values = map[string]any

// parse parses values in YAML.
func parse(t testing.TB, text string) values {
	t.Helper()
	parsed, err := loader.LoadValues(strings.NewReader(text))
	require.NoError(t, err)
	return parsed
}

// example returns the values of an example, with overrides in YAML.
func example(t testing.TB, name, overrides string) values {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir, "examples", name+".yaml")) //nolint:gosec // a name in a test
	require.NoError(t, err)
	return loader.MergeMaps(parse(t, string(text)), parse(t, overrides))
}

// exampleNames returns the names of the files in examples/.
func exampleNames(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chartDir, "examples", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".yaml")
	}
	return files
}

// render renders the templates with the engine of Helm 4. The keys are the names of the templates.
func render(v values) (map[string]string, error) {
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, v, options, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

// render3 is [render] with the engine of Helm 3.
func render3(v values) (map[string]string, error) {
	chart, err := loader3.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	options := chartutil3.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := chartutil3.ToRenderValues(chart, v, options, chartutil3.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine3.Render(chart, all)
}

func TestHelm3AndHelm4RenderEqualManifests(t *testing.T) {
	t.Parallel()
	for _, name := range exampleNames(t) {
		rendered, err := render(example(t, name, ""))
		require.NoError(t, err, name)
		rendered3, err := render3(example(t, name, ""))
		require.NoError(t, err, name)
		require.Equal(t, rendered3, rendered, name)
		require.Contains(t, rendered["flowgate/templates/NOTES.txt"], "helm test shop --namespace gateways", name)
	}
}

func TestLintReportsNothing(t *testing.T) {
	t.Parallel()
	version, err := common.ParseKubeVersion("v1.37.0")
	require.NoError(t, err)
	for _, name := range exampleNames(t) {
		result := lint.RunAll(chartDir, example(t, name, ""), namespace, lint.WithKubeVersion(version))
		for _, message := range result.Messages {
			require.LessOrEqual(t, message.Severity, support.InfoSev, "%s: %s", name, message)
		}
	}
}

func TestSchemaRejectsUnknownValues(t *testing.T) {
	t.Parallel()
	defaults := func() values {
		text, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
		require.NoError(t, err)
		return parse(t, string(text))
	}
	// Every other map of the defaults has keys that the chart does not determine.
	open := []string{
		"config", "commonLabels", "files", "nodeSelector", "affinity", "podAnnotations", "podLabels",
		"podSecurityContext", "securityContext", "serviceAccount.annotations", "service.annotations",
		"ingress.annotations", "httpRoute.annotations", "grpcRoute.annotations", "autoscaling.behavior",
		"podMonitor.labels", "serviceMonitor.labels", "prometheusRule.labels", "dashboards.labels", "dashboards.annotations", "resources.requests", "resources.limits", "strategy.rollingUpdate",
	}
	var closed []string
	for _, path := range mapsOf("", defaults()) {
		if !slices.ContainsFunc(open, func(o string) bool { return path == o || strings.HasPrefix(path, o+".") }) {
			closed = append(closed, path)
		}
	}
	require.Greater(t, len(closed), 15)
	for _, path := range closed {
		v := map[string]any{"misspelled": "x"}
		for _, key := range slices.Backward(strings.FieldsFunc(path, func(r rune) bool { return r == '.' })) {
			v = map[string]any{key: v}
		}
		_, err := render(loader.MergeMaps(example(t, "minimal", ""), v))
		require.ErrorContains(t, err, "additional properties 'misspelled' not allowed", path)
	}
	t.Logf("%d maps of values reject unknown keys", len(closed))
}

// mapsOf returns the paths of a map and of the maps in it.
func mapsOf(path string, v values) []string {
	paths := []string{path}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if child, ok := v[key].(map[string]any); ok {
			paths = append(paths, mapsOf(strings.TrimPrefix(path+"."+key, "."), child)...)
		}
	}
	return paths
}

// TestSchemaAcceptsTheDefaults also shows that the schema knows each value of values.yaml.
func TestSchemaAcceptsTheDefaults(t *testing.T) {
	t.Parallel()
	_, err := render(nil)
	require.ErrorContains(t, err, "config.upstream.address is required")
	require.NotContains(t, err.Error(), "schema")
}

func TestContradictionsAreRejected(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ example, overrides, want string }{
		{"minimal", `config: {tokens: {keyFiles: []}}`, "config.tokens.keyFiles is required with more than one replica"},
		{"minimal", `config: {auth: {apiKeys: {file: keys.yml}}}`, "\n  config.auth.apiKeys.file: keys.yml"},
		{"everything", `config: {tokens: {keyFiles: [tokens/next, tokens/typo]}}`, "\n  config.tokens.keyFiles.1: tokens/typo"},
		{"everything", `config: {auth: {jwt: [{publicKeyFile: x.pem}]}}`, "\n  config.auth.jwt.0.publicKeyFile: x.pem"},
		{"everything", `config: {namespaces: {orders: {credential: {file: /etc/flowgate/x}}}}`, "\n  config.namespaces.orders.credential.file: /etc/flowgate/x"},
		{"everything", `config: {docs: {folder: apis}}`, "\n  config.docs.folder: apis"},
		{"minimal", `config: {listen: {admin: "127.0.0.1:8081"}}`, "config.listen.admin: 127.0.0.1:8081 is a loopback address"},
		{"minimal", `config: {listen: {public: "localhost:80"}}`, "config.listen.public: localhost:80 is a loopback address"},
		{"minimal", `config: {listen: {public: ":0"}}`, "config.listen.public: :0 must have a port"},
		{"minimal", `config: {listen: {public: ":8081"}}`, "must have different ports"},
		{"minimal", `config: {listen: {drainDelay: 5 seconds}}`, `config.listen.drainDelay: "5 seconds" is not a duration`},
		{"minimal", `config: {listen: {drainTimeout: 30}}`, `config.listen.drainTimeout: "30" is not a duration`},
		{"minimal", `env: [{name: FLOWGATE_LISTEN_ADMIN, value: ":9000"}]`, "env: set FLOWGATE_LISTEN_ADMIN in config.listen"},
		{"minimal", `existingConfigMap: other`, "config has auth, tokens, upstream, which existingConfigMap replaces"},
		{"minimal", `ingress: {enabled: true}`, "ingress.hosts is required"},
		{"minimal", `httpRoute: {enabled: true}`, "httpRoute.parentRefs is required"},
		{"minimal", `grpcRoute: {enabled: true}`, "grpcRoute.parentRefs is required"},
		{"temporal-cloud", `ingress: {hosts: [other.example]}`, "ingress.hosts: other.example is not in config.listen.hosts"},
		{"everything", `grpcRoute: {hostnames: [other.example]}`, "grpcRoute.hostnames: other.example is not in config.listen.hosts"},
		{"everything", `podMonitor: {enabled: true}`, "would scrape each replica twice"},
		{"everything", `networkPolicy: {admin: []}`, "networkPolicy.admin must allow Prometheus"},
		{"everything", `autoscaling: {minReplicas: 20}`, "autoscaling.minReplicas must not exceed"},
		{"everything", `autoscaling: {inFlight: {wait: 20000}}`, "autoscaling.inFlight.wait: 20000 must be less than config.limits.inFlight.waits, 20000"},
		{"everything", `autoscaling: {inFlight: {read: 400}}`, "autoscaling.inFlight.read: 400 must be less than config.limits.inFlight.reads, 400"},
		{"everything", `resources: {requests: {cpu: null}}`, "requires resources.requests.cpu"},
		{"minimal", `autoscaling: {enabled: true, targetCPUUtilization: 0}`, "requires targetCPUUtilization or inFlight"},
		{"minimal", `files: {keys.yaml: {secret: a, configMap: b}}`, "/files/keys.yaml"},
		{"minimal", `files: {../keys.yaml: {secret: a}}`, "../keys.yaml"},
		{"minimal", `files: {gateway.yaml: {secret: a}}`, "gateway.yaml"},
		{"minimal", `podDisruptionBudget: {maxUnavailable: 0}`, "/podDisruptionBudget/maxUnavailable"},
	} {
		_, err := render(example(t, test.example, test.overrides))
		require.ErrorContains(t, err, test.want, "%s with %s", test.example, test.overrides)
	}
}
