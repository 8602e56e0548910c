package servertest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

// The API keys in the file that [WriteKeys] writes. WriterKey and OtherKey have the role write, and OtherKey has its
// own upstream credential. ReaderKey has the role read. DisabledKey and ExpiredKey are not valid.
const (
	WriterKey        = "fg_writer_wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
	OwnCredentialKey = "fg_other_oooooooooooooooooooooooooooooooo"
	ReaderKey        = "fg_reader_rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"

	DisabledKey = "fg_disabled_dddddddddddddddddddddddddddddddd"
	ExpiredKey  = "fg_expired_eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
)

// WriteKeys writes a keys file and returns its path. All grants are on the namespace "default".
func WriteKeys(t testing.TB) string {
	t.Helper()
	hash := func(key string) string {
		sum := sha256.Sum256([]byte(key[strings.LastIndexByte(key, '_')+1:]))
		return hex.EncodeToString(sum[:])
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token"), []byte("other-token"), 0o600))
	file := filepath.Join(dir, "keys.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`keys:
  - {id: writer, secrets: [{sha256: `+hash(WriterKey)+`}], grants: [{namespace: default, role: write}]}
  - {id: reader, secrets: [{sha256: `+hash(ReaderKey)+`}], grants: [{namespace: default, role: read}]}
  - id: other
    secrets: [{sha256: `+hash(OwnCredentialKey)+`}]
    grants: [{namespace: default, role: write}]
    credential: {mode: static, file: token}
  - {id: disabled, disabled: true, secrets: [{sha256: `+hash(DisabledKey)+`}], grants: [{namespace: default, role: read}]}
  - id: expired
    secrets: [{sha256: `+hash(ExpiredKey)+`, notAfter: 1999-01-01T00:00:00Z}]
    grants: [{namespace: default, role: read}]
`), 0o600))
	return file
}

// The API keys that [WithTemporalKeys] adds. RootKey has the role admin on the namespace "default" and for the cluster.
// OtherNamespacesKey has the role admin on other namespaces only.
const (
	RootKey            = "fg_root_tttttttttttttttttttttttttttttttt"
	OtherNamespacesKey = "fg_elsewhere_nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
)

// WithTemporalKeys returns a change of the configuration that adds RootKey and
// OtherNamespacesKey to the keys file.
func WithTemporalKeys(t testing.TB) func(*config.Config) {
	t.Helper()
	return func(cfg *config.Config) {
		var text strings.Builder
		for key, grants := range map[string]string{
			RootKey:            "{namespace: default, role: admin}, {namespace: temporal-system, role: admin}",
			OtherNamespacesKey: `{namespace: elsewhere, role: admin}, {namespace: "default-*", role: admin}`,
		} {
			at := strings.LastIndexByte(key, '_')
			sum := sha256.Sum256([]byte(key[at+1:]))
			text.WriteString("  - {id: " + key[len("fg_"):at] + ", secrets: [{sha256: " + hex.EncodeToString(sum[:]) + "}], grants: [" + grants +
				"], callerMetadata: [x-own]}\n")
		}
		keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, append(keys, text.String()...), 0o600)) //nolint:gosec // a file of the test
	}
}
