package upstream_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// metadataOfOnlyCall requires that the server received one call, and returns its metadata
// without the headers of the transport.
func metadataOfOnlyCall(t testing.TB, server *upstreamtest.Server) metadata.MD {
	t.Helper()
	calls := server.AllCalls()
	require.Len(t, calls, 1)
	md := calls[0].Metadata.Copy()
	for _, key := range []string{":authority", "content-type", "grpc-accept-encoding"} {
		delete(md, key)
	}
	return md
}

func TestMetadataOfTheRequestIsNotForwarded(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	ctx := metadata.NewIncomingContext(inOrdersNamespace(t.Context()), metadata.Pairs("x-incoming", marker))
	ctx = metadata.AppendToOutgoingContext(ctx, "x-outgoing", marker, "authorization", marker, "temporal-namespace", payments)
	_ = describeWorkflow(ctx, newClient(t, server))
	require.Equal(t, metadata.MD{
		"client-name":        {"flowgate"},
		"client-version":     {"1.2.3"},
		"temporal-namespace": {orders},
		"user-agent":         metadataOfOnlyCall(t, server)["user-agent"],
	}, metadataOfOnlyCall(t, server))
	require.Regexp(t, `^flowgate/1\.2\.3 grpc-go/`, metadataOfOnlyCall(t, server)["user-agent"][0])
}

func TestCallsWithoutANamespaceSendNoNamespaceMetadata(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	_, err := newClient(t, server).Invoke(withOptions(t.Context(), upstream.CallOptions{}), getSystemInfo, nil)
	require.NoError(t, err)
	require.NotContains(t, metadataOfOnlyCall(t, server), "temporal-namespace")
}

func TestMetadataPrecedence(t *testing.T) {
	t.Parallel()
	layers := []string{"upstream", "namespace", "principal", "call"}
	// The first N layers set the key "kN", so the value of layer N applies.
	keysOf := func(layer int) map[string]string {
		keys := map[string]string{"only-" + layers[layer]: "1"}
		for n := layer + 1; n <= len(layers); n++ {
			keys["k"+strconv.Itoa(n)] = layers[layer]
		}
		for _, reserved := range []string{"client-name", "client-version", "temporal-namespace", "authorization"} {
			keys[reserved] = marker
		}
		return keys
	}
	server := upstreamtest.New(t)
	client := newClient(t, server, func(options *upstream.Options) {
		options.Metadata = keysOf(0)
		options.Metadata["Upper-Case"] = "1"
		options.Namespaces = map[string]upstream.Namespace{
			orders: {Metadata: keysOf(1)}, payments: {Metadata: map[string]string{"k4": marker, "other": marker}},
		}
		options.Credential = staticCredential(t, "of-gateway")
	})
	principal := &auth.Principal{
		Name: "caller", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleRead}}, Metadata: keysOf(2),
	}
	call := &upstream.CallOptions{Namespace: orders, Metadata: metadata.New(keysOf(3))}
	call.Metadata.Append("twice", "a", "b")
	before := call.Metadata.Copy()
	_ = describeWorkflow(upstream.WithOptions(auth.WithPrincipal(t.Context(), principal), call), client)
	got := metadataOfOnlyCall(t, server)
	for n := 1; n <= len(layers); n++ {
		require.Equal(t, []string{layers[n-1]}, got["k"+strconv.Itoa(n)])
		require.Equal(t, []string{"1"}, got["only-"+layers[n-1]])
	}
	require.Equal(t, []string{"1"}, got["upper-case"])
	require.Equal(t, []string{"a", "b"}, got["twice"])
	require.Equal(t, []string{"flowgate"}, got["client-name"])
	require.Equal(t, []string{"1.2.3"}, got["client-version"])
	require.Equal(t, []string{orders}, got["temporal-namespace"])
	require.Equal(t, []string{"Bearer of-gateway"}, got["authorization"])
	require.NotContains(t, got, "other")
	for _, values := range maps.All(got) {
		require.False(t, slices.Contains(values, marker), got)
	}
	require.Equal(t, before, call.Metadata, "the caller's map is unchanged")
}

func TestBinaryMetadataIsPreserved(t *testing.T) {
	t.Parallel()
	const raw = "\x00\xff\n\"\u00e9"
	server := upstreamtest.New(t)
	client := newClient(t, server, func(options *upstream.Options) {
		options.Metadata = map[string]string{"up-bin": raw}
	})
	principal := &auth.Principal{
		Name: "caller", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleRead}}, Metadata: map[string]string{"who-bin": raw},
	}
	call := &upstream.CallOptions{Namespace: orders, Metadata: metadata.MD{"call-bin": {raw, ""}}}
	_ = describeWorkflow(upstream.WithOptions(auth.WithPrincipal(t.Context(), principal), call), client)
	got := metadataOfOnlyCall(t, server)
	require.Equal(t, []string{raw}, got["up-bin"])
	require.Equal(t, []string{raw}, got["who-bin"])
	require.Equal(t, []string{raw, ""}, got["call-bin"])
}

func TestSupportedFeaturesAreSentOnlyIfEnabled(t *testing.T) {
	t.Parallel()
	for _, features := range []bool{false, true} {
		server := upstreamtest.New(t)
		_ = describeWorkflow(withOptions(t.Context(), upstream.CallOptions{Namespace: orders, Features: features}), newClient(t, server))
		want := []string(nil)
		if features {
			want = []string{"follows-next-run-id"}
		}
		require.Equal(t, want, metadataOfOnlyCall(t, server)["supported-features"])
	}
}
