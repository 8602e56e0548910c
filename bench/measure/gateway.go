package measure

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/flowgate/flowgate/bench/messages"
	"github.com/flowgate/flowgate/bench/process"
)

const keyID = "bench"

// configure writes the configuration file and the keys file of the gateways and returns the API key in the latter.
func configure(dir string) (apiKey string, err error) {
	secret := rand.Text() + rand.Text()
	hash := sha256.Sum256([]byte(secret))
	keys := fmt.Sprintf("keys:\n  - id: %s\n    secrets: [{sha256: %s}]\n    grants: [{namespace: %s, role: write}]\n",
		keyID, hex.EncodeToString(hash[:]), messages.Namespace)
	if err := os.WriteFile(filepath.Join(dir, "keys.yaml"), []byte(keys), 0o600); err != nil {
		return "", err
	}
	return "fg_" + keyID + "_" + secret, os.WriteFile(filepath.Join(dir, "gateway.yaml"), []byte("auth:\n  apiKeys: {file: keys.yaml}\n"), 0o600)
}

// startGateway starts a gateway configured as in production: the request log goes to a file, and tracing is on but
// samples nothing. Only the limits are raised, so that one caller may send all requests.
func (s *session) startGateway(ctx context.Context, log string) (*process.Process, error) {
	config := filepath.Join(s.Dir, "gateway.yaml")
	command := exec.Command(s.Gateway, "serve", "--config", config) //nolint:gosec,noctx // the user's argument; ctx limits only the start
	command.Env = append(ownEnvironment(),
		"FLOWGATE_LISTEN_PUBLIC=127.0.0.1:0",
		"FLOWGATE_LISTEN_ADMIN=127.0.0.1:0",
		"FLOWGATE_UPSTREAM_ADDRESS="+s.upstream.PublicAddress,
		"FLOWGATE_LIMITS_IN_FLIGHT_READS=20000",
		"FLOWGATE_LIMITS_IN_FLIGHT_WRITES=20000",
		"FLOWGATE_LIMITS_IN_FLIGHT_WAITS=20000",
		"FLOWGATE_LIMITS_IN_FLIGHT_CALLER_SHARE=1",
		"OTEL_TRACES_EXPORTER=otlp",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9",
		"OTEL_TRACES_SAMPLER=parentbased_traceidratio",
		"OTEL_TRACES_SAMPLER_ARG=0",
	)
	p, err := process.Start(ctx, command, log)
	if err != nil {
		return nil, err
	}
	if err := p.AwaitReady(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// ownEnvironment returns the environment of this process without variables that configure a gateway.
func ownEnvironment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLOWGATE_") && !strings.HasPrefix(variable, "OTEL_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
