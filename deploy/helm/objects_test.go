package helm_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// objects are the objects of a release.
type objects []runtime.Object

// renderObjects renders the chart and decodes its objects.
func renderObjects(t testing.TB, v values) objects {
	t.Helper()
	rendered, err := render(v)
	require.NoError(t, err)
	return decode(t, rendered)
}

// decode decodes manifests by the types of the Kubernetes API. It fails if an object has a field that its type does not
// have, or a field twice.
func decode(t testing.TB, rendered map[string]string) objects {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
		gatewayv1.Install, monitoring.AddToScheme,
	} {
		require.NoError(t, add(scheme))
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	var decoded objects
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasSuffix(name, ".txt") {
			continue
		}
		for _, document := range documents(t, rendered[name]) {
			object, _, err := decoder.Decode(document, nil, nil)
			require.NoError(t, err, "%s:\n%s", name, document)
			decoded = append(decoded, object)
		}
	}
	return decoded
}

// documents splits a YAML stream and drops empty documents.
func documents(t testing.TB, text string) [][]byte {
	t.Helper()
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	var all [][]byte
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		if len(bytes.TrimSpace(document)) > 0 {
			all = append(all, document)
		}
	}
}

// all returns the objects of a type.
func all[T runtime.Object](o objects) []T {
	var found []T
	for _, object := range o {
		if typed, ok := object.(T); ok {
			found = append(found, typed)
		}
	}
	return found
}

// one returns the object of a type, of which there must be exactly one.
func one[T runtime.Object](t testing.TB, o objects) T {
	t.Helper()
	found := all[T](o)
	require.Len(t, found, 1)
	return found[0]
}

// named returns the object of a type and a name.
func named[T interface {
	runtime.Object
	metav1.Object
}](t testing.TB, o objects, name string) T {
	t.Helper()
	for _, object := range all[T](o) {
		if object.GetName() == name {
			return object
		}
	}
	var none T
	require.Failf(t, "no such object", "%T %s", none, name)
	return none
}
