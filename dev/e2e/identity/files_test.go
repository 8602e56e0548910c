package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
)

const (
	defaultNamespace = "default"
	otherNamespace   = "other"
	jwksPath         = "/.well-known/jwks.json"
)

// The API keys of the three callers, and addedKey, which a test adds. They are public and only for tests.
const (
	secret         = "00000000000000000000000000000000"
	readerKey      = "fg_reader_" + secret
	writerKey      = "fg_writer_" + secret
	otherWriterKey = "fg_other-writer_" + secret
	addedKey       = "fg_added_" + secret
)

// gatewayYAML is the configuration of the gateway. Minted tokens have the minimum lifetime. The gateway publishes a new
// signing key, waits for publishAhead, and then signs with the key. publishAhead is more than twice keyRefresh, the
// interval at which the Temporal server fetches keys. Even if one fetch fails, the server then knows the key before the
// gateway signs with it.
const gatewayYAML = `
listen: {public: "127.0.0.1:8080", admin: "127.0.0.1:8081", drainDelay: 0s}
upstream:
  address: 127.0.0.1:7233
  credential:
    mode: mint
    mint: {keyFile: mint.pem, issuer: flowgate, ttl: 10s, publishAhead: 5s}
auth:
  apiKeys: {file: keys.yaml}
  failureLimit: {burst: 1000, perSecond: 1000} # tests repeat requests with invalid keys
`

// files contains the paths of the gateway's files.
type files struct {
	config, keys, mint string
}

func writeFiles(dir string) (files, error) {
	f := files{
		config: filepath.Join(dir, "gateway.yaml"), keys: filepath.Join(dir, "keys.yaml"), mint: filepath.Join(dir, "mint.pem"),
	}
	signing, err := newSigningKey()
	if err != nil {
		return files{}, err
	}
	for name, content := range map[string]string{f.config: gatewayYAML, f.keys: keysYAML(), f.mint: signing} {
		if err := replace(name, content); err != nil {
			return files{}, err
		}
	}
	return f, nil
}

// keysYAML returns an API key file with the keys of the three callers. readers are the ids of additional keys with the
// role "read" on the namespace "default".
func keysYAML(readers ...string) string {
	entries := []string{
		keyEntry("reader", "{namespace: default, role: read}"), keyEntry("writer", "{namespace: default, role: write}"),
		keyEntry("other-writer", "{namespace: other, role: write}"),
	}
	for _, id := range readers {
		entries = append(entries, keyEntry(id, "{namespace: default, role: read}"))
	}
	return "keys:\n" + strings.Join(entries, "")
}

func keyEntry(id, grant string) string {
	const secretHash = "84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a"
	return "  - {id: " + id + ", secrets: [{sha256: " + secretHash + "}], grants: [" + grant + "]}\n"
}

// newSigningKey returns a new private key in PEM.
func newSigningKey() (string, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// replace replaces a file atomically.
func replace(name, content string) error {
	if err := os.WriteFile(name+".new", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
