package config_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestMetadataKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"x-team", "client-name", "a.b_c-1", "trace-bin", "authorization-extras"} {
		require.NoError(t, config.CheckMetadataKey(key), key)
	}
	for _, key := range []string{
		"", "X-Team", "x team", "x\n", "é", ":path", "authorization", "temporal-namespace", "grpc-timeout", "grpc-",
		"host", "content-type", "te", "user-agent", "connection", "transfer-encoding",
	} {
		require.Error(t, config.CheckMetadataKey(key), key)
	}
}

func TestMetadataValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ key, value, want string }{
		{"x-a", "plain ~", "plain ~"},
		{"x-a", "", ""},
		{"x-bin", "AP8=", "\x00\xff"},
		{"x-bin", "AP8", "\x00\xff"},
	} {
		got, err := config.DecodeMetadata(tc.key, tc.value)
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}
	for _, tc := range [][2]string{{"x-a", "a\nb"}, {"x-a", "é"}, {"x-a", "\x7f"}, {"x-bin", "marker!"}, {"x-bin", "A"}} {
		_, err := config.DecodeMetadata(tc[0], tc[1])
		require.Error(t, err)
		require.NotContains(t, err.Error(), "marker")
	}
}

func TestPrintingOmitsMetadataValues(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Upstream.Metadata = config.Metadata{"x-token": "s3cret"}
	cfg.Namespaces = map[string]config.Namespace{"orders": {Metadata: config.Metadata{"x-token": "s3cret"}}}
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	for _, printed := range []string{
		fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", &cfg), fmt.Sprintf("%q", cfg.Upstream.Metadata), string(text),
	} {
		require.NotContains(t, printed, "s3cret")
		require.Contains(t, printed, "x-token")
	}
}
