package helm_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// TestConfigurationsPassTheGatewaysCheck runs gateway check on the files of each example as its pod has them.
func TestConfigurationsPassTheGatewaysCheck(t *testing.T) {
	t.Parallel()
	files := 0
	for _, name := range exampleNames(t) {
		decoded := renderObjects(t, example(t, name, ""))
		dir := t.TempDir()
		files += project(t, decoded, dir)
		output, err := gatewayCheck(t, decoded, dir)
		require.NoError(t, err, "%s: %s", name, output)

		// The check reads the files of the volume: without one of them, it fails.
		require.NoError(t, os.Remove(filepath.Join(dir, someFile(t, decoded))), name)
		_, err = gatewayCheck(t, decoded, dir)
		require.Error(t, err, name)
	}
	t.Logf("%d configurations with %d files", len(exampleNames(t)), files)
}

// someFile returns the path of a file from a Secret.
func someFile(t testing.TB, decoded objects) string {
	t.Helper()
	for _, source := range one[*appsv1.Deployment](t, decoded).Spec.Template.Spec.Volumes[0].Projected.Sources {
		if source.Secret != nil {
			return source.Secret.Items[0].Path
		}
	}
	require.Fail(t, "no file from a Secret")
	return ""
}

// gatewayCheck runs gateway check with the environment of the pod.
func gatewayCheck(t testing.TB, decoded objects, dir string) (string, error) {
	t.Helper()
	config := filepath.Join(dir, "gateway.yaml")
	command := exec.CommandContext(t.Context(), deploytest.GatewayBinary(t), "check", "--config", config) //nolint:gosec // the test's own files
	command.Env = environment(t, decoded)
	output, err := command.CombinedOutput()
	return string(output), err
}

// environment returns the variables of the gateway's container that have values.
func environment(t testing.TB, decoded objects) []string {
	t.Helper()
	var env []string
	for _, variable := range one[*appsv1.Deployment](t, decoded).Spec.Template.Spec.Containers[0].Env {
		if variable.ValueFrom == nil {
			env = append(env, variable.Name+"="+variable.Value)
		}
	}
	return env
}

// TestTheGatewayRunsWithTheMinimalExample starts a gateway with the files of the pod, in front of a Temporal server. It
// sends the requests of the probes and of helm test, and stops it as the kubelet does.
func TestTheGatewayRunsWithTheMinimalExample(t *testing.T) {
	t.Parallel()
	stack := deploytest.Environment(t)
	decoded := renderObjects(t, example(t, "minimal", `config: {listen: {drainDelay: 100ms}}`))
	dir := t.TempDir()
	project(t, decoded, dir)
	gateway := deploytest.StartGateway(t, filepath.Join(dir, "gateway.yaml"), 0, 0)

	spec := one[*appsv1.Deployment](t, decoded).Spec.Template.Spec
	for _, probe := range []*corev1.Probe{spec.Containers[0].StartupProbe, spec.Containers[0].LivenessProbe, spec.Containers[0].ReadinessProbe} {
		deploytest.Get(t, gateway.AdminURL+probe.HTTPGet.Path, "")
	}
	client := gateway.URL + "/v1/namespaces/" + stack.Namespace + "/client"
	deploytest.Get(t, client, stack.WriterKey)
	status, body := deploytest.Call(t, http.MethodGet, client, "", "")
	require.Equal(t, http.StatusUnauthorized, status, body)

	test := one[*corev1.Pod](t, decoded).Spec.Containers[0]
	service := "http://shop-flowgate:80"
	require.True(t, strings.HasPrefix(test.Args[0], service), test.Args[0])
	args := slices.Concat(test.Command, []string{strings.Replace(test.Args[0], service, gateway.URL, 1)})
	command := exec.CommandContext(t.Context(), deploytest.Program(t, "busybox", "busybox"), args...) //nolint:gosec // the chart's arguments
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Equal(t, "ok", strings.TrimSpace(string(output)))

	start := time.Now()
	require.NoError(t, gateway.Stop())
	require.Less(t, time.Since(start), time.Duration(*spec.TerminationGracePeriodSeconds)*time.Second)
}

// project writes the files of the volume with the configuration to a directory, as the kubelet does, and returns their
// number.
func project(t testing.TB, decoded objects, dir string) int {
	t.Helper()
	spec := one[*appsv1.Deployment](t, decoded).Spec.Template.Spec
	mount := spec.Containers[0].VolumeMounts[0]
	require.Equal(t, mount.MountPath+"/gateway.yaml", spec.Containers[0].Args[2])
	require.Equal(t, mount.Name, spec.Volumes[0].Name)
	contents := clusterData(t, decoded)
	files := 0
	for _, source := range spec.Volumes[0].Projected.Sources {
		var name string
		var items []corev1.KeyToPath
		if source.Secret != nil {
			name, items = "Secret/"+source.Secret.Name, source.Secret.Items
		} else {
			name, items = "ConfigMap/"+source.ConfigMap.Name, source.ConfigMap.Items
		}
		for _, item := range items {
			require.Contains(t, contents[name], item.Key, name)
			path := filepath.Join(dir, item.Path)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
			require.NoError(t, os.WriteFile(path, contents[name][item.Key], 0o600))
			files++
		}
	}
	return files
}

// clusterData returns the data of the Secrets and ConfigMaps of the release, and of those that the examples expect in the
// cluster. The keys are kind and name.
func clusterData(t testing.TB, decoded objects) map[string]map[string][]byte {
	t.Helper()
	keys, err := os.ReadFile(filepath.Join(deploytest.Repository(t), "dev", "stack", "keys.yaml"))
	require.NoError(t, err)
	cert, key, public := certificate(t)
	tls := map[string][]byte{"tls.crt": cert, "tls.key": key, "ca.crt": cert}
	data := map[string]map[string][]byte{
		"Secret/flowgate": {
			"keys.yaml": keys, "signing.pem": key,
			"page-token-key": randomBytes(), "page-token-key-1": randomBytes(), "page-token-key-2": randomBytes(),
		},
		"Secret/flowgate-tls":        tls,
		"Secret/temporal-client-tls": tls,
		"Secret/temporal-cloud":      {"api-key": []byte("secret")},
		"ConfigMap/kube-root-ca.crt": {"ca.crt": cert},
		"ConfigMap/build-issuer":     {"public.pem": public},
	}
	for _, secret := range all[*corev1.Secret](decoded) {
		data["Secret/"+secret.Name] = secret.Data
	}
	for _, configMap := range all[*corev1.ConfigMap](decoded) {
		data["ConfigMap/"+configMap.Name] = map[string][]byte{"gateway.yaml": []byte(configMap.Data["gateway.yaml"])}
	}
	return data
}

func randomBytes() []byte {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return random
}

// certificate returns a self-signed certificate with its private and its public key, in PEM.
func certificate(t testing.TB) (cert, key, public []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "flowgate.example"}, DNSNames: []string{"flowgate.example"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	publicDER, err := x509.MarshalPKIXPublicKey(private.Public())
	require.NoError(t, err)
	encode := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER), encode("PUBLIC KEY", publicDER)
}
