package helm_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

func TestGracePeriodCoversTheDrain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		listen string
		want   int64
	}{
		{`{}`, 45},
		{`{drainDelay: 0s}`, 40},
		{`{drainDelay: 0}`, 40},
		{`{drainTimeout: 1m30s}`, 5 + 90 + 15},
		{`{drainDelay: 1h0m0.5s, drainTimeout: 250ms}`, 3600 + 1 + 15},
		{`{drainDelay: 1500ms, drainTimeout: 1.5m}`, 2 + 90 + 15},
		{`{drainDelay: 1us, drainTimeout: 1s}`, 1 + 1 + 15},
	} {
		decoded := renderObjects(t, example(t, "minimal", `config: {listen: `+test.listen+`}`))
		spec := one[*appsv1.Deployment](t, decoded).Spec.Template.Spec
		require.Equal(t, test.want, *spec.TerminationGracePeriodSeconds, test.listen)
	}
}

// TestChangesThatRollTheDeployment compares the pod templates of two releases. Kubernetes replaces the pods if they
// differ.
func TestChangesThatRollTheDeployment(t *testing.T) {
	t.Parallel()
	template := func(overrides string) corev1.PodTemplateSpec {
		return one[*appsv1.Deployment](t, renderObjects(t, example(t, "everything", overrides))).Spec.Template
	}
	for _, test := range []struct {
		change, overrides string
		rolls             bool
	}{
		{"none", ``, false},
		{"a setting", `config: {limits: {maxWait: 20s}}`, true},
		{"a file of the chart", `files: {openapi/internal.yaml: {content: "openapi: 3.1.0"}}`, true},
		{"another Secret", `files: {signing.pem: {secret: other}}`, true},
		{"a variable", `env: []`, true},
		{"an object that is not the Deployment", `service: {annotations: {a: b}}`, false},
		{"the number of replicas", `autoscaling: {maxReplicas: 20}`, false},
	} {
		require.Equal(t, test.rolls, !assert.ObjectsAreEqual(template(""), template(test.overrides)), test.change)
	}
}

// Kubernetes rejects a Deployment that has rollingUpdate with another strategy.
func TestRecreateHasNoRollingUpdate(t *testing.T) {
	t.Parallel()
	strategy := func(overrides string) appsv1.DeploymentStrategy {
		return one[*appsv1.Deployment](t, renderObjects(t, example(t, "minimal", overrides))).Spec.Strategy
	}
	require.Equal(t, appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}, strategy(`strategy: {type: Recreate}`))
	require.NotNil(t, strategy("").RollingUpdate)
}

// TestTheKeysFileDoesNotRollTheDeployment: the gateway reloads it.
func TestTheKeysFileDoesNotRollTheDeployment(t *testing.T) {
	t.Parallel()
	before := renderObjects(t, example(t, "temporal-cloud", ""))
	after := renderObjects(t, example(t, "temporal-cloud", `files: {keys.yaml: {content: "keys: []"}}`))
	require.NotEqual(t, one[*corev1.Secret](t, before).Data, one[*corev1.Secret](t, after).Data)
	require.Equal(t, one[*appsv1.Deployment](t, before), one[*appsv1.Deployment](t, after))
}

// TestExistingConfigMap: the settings on which the chart depends are variables, which override the file.
func TestExistingConfigMap(t *testing.T) {
	t.Parallel()
	decoded := renderObjects(t, parse(t, `
existingConfigMap: flowgate-config
config: {listen: {public: ":9080", drainDelay: 20s}}
files: {keys.yaml: {secret: flowgate}}
`))
	require.Empty(t, all[*corev1.ConfigMap](decoded))
	spec := one[*appsv1.Deployment](t, decoded).Spec.Template.Spec
	require.Equal(t, "flowgate-config", spec.Volumes[0].Projected.Sources[0].ConfigMap.Name)
	require.Equal(t, []corev1.EnvVar{
		{Name: "FLOWGATE_LISTEN_ADMIN", Value: ":8081"},
		{Name: "FLOWGATE_LISTEN_PUBLIC", Value: ":9080"},
		{Name: "FLOWGATE_LISTEN_DRAIN_DELAY", Value: "20s"},
		{Name: "FLOWGATE_LISTEN_DRAIN_TIMEOUT", Value: "25s"},
	}, spec.Containers[0].Env)
	require.Equal(t, int64(60), *spec.TerminationGracePeriodSeconds)
	require.Equal(t, int32(9080), spec.Containers[0].Ports[0].ContainerPort)
}

// TestDefaultsAreThoseOfTheGateway compares the defaults that templates use with the README's table of settings.
func TestDefaultsAreThoseOfTheGateway(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(deploytest.Repository(t), "README.md"))
	require.NoError(t, err)
	setting := func(path string) string {
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(path) + "` \\| `[A-Z_]+` \\| `([^`]*)` ").FindSubmatch(readme)
		require.NotNil(t, row, path)
		return string(row[1])
	}
	grace := 15 * time.Second
	for _, path := range []string{"listen.drainDelay", "listen.drainTimeout"} {
		duration, err := time.ParseDuration(setting(path))
		require.NoError(t, err)
		grace += duration
	}
	spec := one[*appsv1.Deployment](t, renderObjects(t, example(t, "minimal", ""))).Spec.Template.Spec
	require.Equal(t, grace, time.Duration(*spec.TerminationGracePeriodSeconds)*time.Second)
	require.Equal(t, setting("listen.public"), ":"+strconv.Itoa(int(spec.Containers[0].Ports[0].ContainerPort)))
	for _, kind := range []string{"read", "write", "wait", "poll"} {
		limit := setting("limits.inFlight." + kind + "s")
		_, err := render(example(t, "minimal", "autoscaling: {enabled: true, inFlight: {"+kind+": "+limit+"}}"))
		require.ErrorContains(t, err, "must be less than config.limits.inFlight."+kind+"s, "+limit+",")
	}
}
