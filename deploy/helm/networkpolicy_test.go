package helm_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// endpoint is the other end of a connection: a pod, or a host if it has an address.
type endpoint struct {
	namespace, pod map[string]string
	address        string // as in ipBlock.cidr
}

// inNamespace returns a pod with labels in a namespace.
func inNamespace(name string, pod map[string]string) endpoint {
	return endpoint{namespace: map[string]string{"kubernetes.io/metadata.name": name}, pod: pod}
}

func TestNetworkPolicyAllowsWhatTheGatewayNeeds(t *testing.T) {
	t.Parallel()
	decoded := renderObjects(t, example(t, "everything", ""))
	p := one[*networkingv1.NetworkPolicy](t, decoded)
	require.Equal(t, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}, p.Spec.PolicyTypes)
	public, admin := intstr.FromString("http"), intstr.FromString("admin")
	prometheus := inNamespace("observability", map[string]string{"app.kubernetes.io/name": "prometheus"})
	anyPod, internet := inNamespace("shop", nil), endpoint{address: "0.0.0.0/0"}
	test := inNamespace(namespace, one[*corev1.Pod](t, decoded).Labels)

	require.True(t, allowsIngress(t, p, anyPod, public), "callers")
	require.True(t, allowsIngress(t, p, endpoint{address: "10.0.0.0/8"}, public), "callers outside of the cluster")
	require.True(t, allowsIngress(t, p, test, public), "helm test")
	require.True(t, allowsIngress(t, p, prometheus, admin), "Prometheus")
	require.False(t, allowsIngress(t, p, inNamespace("observability", nil), admin), "other pods in the namespace of Prometheus")
	require.False(t, allowsIngress(t, p, anyPod, admin), "callers at the admin listener")

	tcp := intstr.FromInt32
	require.True(t, allowsEgress(t, p, internet, tcp(7233)), "Temporal")
	require.True(t, allowsEgress(t, p, internet, tcp(7234)), "the Temporal server of a namespace")
	require.True(t, allowsEgress(t, p, endpoint{address: "192.0.2.0/24"}, tcp(443)), "the issuer")
	require.True(t, allowsEgress(t, p, inNamespace("observability", nil), tcp(4318)), "the collector")
	require.True(t, allowsEgress(t, p, inNamespace("kube-system", nil), tcp(53)), "DNS")
	require.True(t, allowsEgress(t, p, endpoint{address: "198.51.100.7/32"}, tcp(8443)), "additional rules")
	require.False(t, allowsEgress(t, p, internet, tcp(443)), "other hosts")
	require.False(t, allowsEgress(t, p, anyPod, tcp(7233)), "other pods")
	udp := corev1.ProtocolUDP
	require.Equal(t, udp, *p.Spec.Egress[0].Ports[0].Protocol, "DNS over UDP")
}

// TestNetworkPolicyAllowsProbes: the kubelet connects from the node of the pod, to which no policy applies, so the admin
// listener needs no rule for probes. Peers that the values name are for network plugins that deviate.
func TestNetworkPolicyAllowsProbes(t *testing.T) {
	t.Parallel()
	decoded := renderObjects(t, example(t, "self-hosted-mtls-mint", `networkPolicy: {admin: [{ipBlock: {cidr: 10.1.0.0/24}}]}`))
	p := one[*networkingv1.NetworkPolicy](t, decoded)
	probe := one[*appsv1.Deployment](t, decoded).Spec.Template.Spec.Containers[0].ReadinessProbe
	require.True(t, allowsIngress(t, p, endpoint{address: "10.1.0.0/24"}, probe.HTTPGet.Port))
}

// TestNetworkPolicyWithAProxy: the gateway connects to the proxy, not to Temporal.
func TestNetworkPolicyWithAProxy(t *testing.T) {
	t.Parallel()
	p := one[*networkingv1.NetworkPolicy](t, renderObjects(t, example(t, "everything", `config: {upstream: {proxy: {address: "proxy.example:3128"}}}`)))
	internet := endpoint{address: "0.0.0.0/0"}
	require.True(t, allowsEgress(t, p, internet, intstr.FromInt32(3128)))
	require.False(t, allowsEgress(t, p, internet, intstr.FromInt32(7233)))
}

func allowsIngress(t testing.TB, p *networkingv1.NetworkPolicy, from endpoint, port intstr.IntOrString) bool {
	t.Helper()
	for _, rule := range p.Spec.Ingress {
		if hasPort(rule.Ports, port) && hasPeer(t, rule.From, from) {
			return true
		}
	}
	return false
}

func allowsEgress(t testing.TB, p *networkingv1.NetworkPolicy, to endpoint, port intstr.IntOrString) bool {
	t.Helper()
	for _, rule := range p.Spec.Egress {
		if hasPort(rule.Ports, port) && hasPeer(t, rule.To, to) {
			return true
		}
	}
	return false
}

// hasPort reports whether a rule has a TCP port. Without ports it has all.
func hasPort(ports []networkingv1.NetworkPolicyPort, port intstr.IntOrString) bool {
	for _, p := range ports {
		if *p.Protocol == corev1.ProtocolTCP && *p.Port == port {
			return true
		}
	}
	return len(ports) == 0
}

// hasPeer reports whether a rule has a peer. Without peers it has all.
func hasPeer(t testing.TB, peers []networkingv1.NetworkPolicyPeer, e endpoint) bool {
	t.Helper()
	for _, peer := range peers {
		switch {
		case peer.IPBlock != nil:
			if peer.IPBlock.CIDR == e.address {
				return true
			}
		case e.address != "":
		case peer.NamespaceSelector == nil && e.namespace["kubernetes.io/metadata.name"] != namespace:
		case selects(t, peer.NamespaceSelector, e.namespace) && selects(t, peer.PodSelector, e.pod):
			return true
		}
	}
	return len(peers) == 0
}

// selects reports whether a selector matches labels. No selector matches all.
func selects(t testing.TB, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	if selector == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	return s.Matches(labels.Set(set))
}
