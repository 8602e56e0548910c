package server_test

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

// The keys of the tests' keys file.
const (
	writerKey = "fg_writer_wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
	otherKey  = "fg_other_oooooooooooooooooooooooooooooooo"
	readerKey = "fg_reader_rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"

	disabledKey = "fg_disabled_dddddddddddddddddddddddddddddddd"
	expiredKey  = "fg_expired_eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
)

func writeKeys(t testing.TB) string {
	t.Helper()
	hash := func(key string) string {
		sum := sha256.Sum256([]byte(key[strings.LastIndexByte(key, '_')+1:]))
		return hex.EncodeToString(sum[:])
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token"), []byte("other-token"), 0o600))
	file := filepath.Join(dir, "keys.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`keys:
  - {id: writer, secrets: [{sha256: `+hash(writerKey)+`}], grants: [{namespace: default, role: write}]}
  - {id: reader, secrets: [{sha256: `+hash(readerKey)+`}], grants: [{namespace: default, role: read}]}
  - id: other
    secrets: [{sha256: `+hash(otherKey)+`}]
    grants: [{namespace: default, role: write}]
    credential: {mode: static, file: token}
  - {id: disabled, disabled: true, secrets: [{sha256: `+hash(disabledKey)+`}], grants: [{namespace: default, role: read}]}
  - id: expired
    secrets: [{sha256: `+hash(expiredKey)+`, notAfter: 1999-01-01T00:00:00Z}]
    grants: [{namespace: default, role: read}]
`), 0o600))
	return file
}

// Keys for the Temporal HTTP API: one may do everything in the namespace default
// and in the cluster, one everything elsewhere and nothing here.
const (
	rootKey      = "fg_root_tttttttttttttttttttttttttttttttt"
	elsewhereKey = "fg_elsewhere_nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
)

// withTemporalKeys adds them to the keys file.
func withTemporalKeys(t testing.TB) func(*config.Config) {
	t.Helper()
	return func(cfg *config.Config) {
		text := ""
		for key, grants := range map[string]string{
			rootKey:      "{namespace: default, role: admin}, {namespace: temporal-system, role: admin}",
			elsewhereKey: `{namespace: elsewhere, role: admin}, {namespace: "default-*", role: admin}`,
		} {
			at := strings.LastIndexByte(key, '_')
			sum := sha256.Sum256([]byte(key[at+1:]))
			text += "  - {id: " + key[len("fg_"):at] + ", secrets: [{sha256: " + hex.EncodeToString(sum[:]) + "}], grants: [" + grants + "], callerMetadata: [x-own]}\n"
		}
		keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, append(keys, text...), 0o600))
	}
}
