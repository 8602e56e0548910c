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

// configure writes what the gateways need, with a new key, which it returns.
func configure(dir string) (key string, err error) {
	secret := rand.Text() + rand.Text()
	hash := sha256.Sum256([]byte(secret))
	keys := fmt.Sprintf("keys:\n  - id: %s\n    secrets: [{sha256: %s}]\n    grants: [{namespace: %s, role: write}]\n",
		keyID, hex.EncodeToString(hash[:]), messages.Namespace)
	if err := os.WriteFile(filepath.Join(dir, "keys.yaml"), []byte(keys), 0o600); err != nil {
		return "", err
	}
	return "fg_" + keyID + "_" + secret, os.WriteFile(filepath.Join(dir, "gateway.yaml"), []byte("auth:\n  apiKeys: {file: keys.yaml}\n"), 0o600)
}

// startGateway runs a gateway as in production: the request log goes to a file, and tracing is on, with an exporter that
// never gets anything because nothing is sampled. Only the limits are lifted, so that one caller may do all that the
// bench does.
func (l *lab) startGateway(ctx context.Context, log string) (*process.Process, error) {
	config := filepath.Join(l.Dir, "gateway.yaml")
	command := exec.Command(l.Gateway, "serve", "--config", config) //nolint:gosec,noctx // the user's choice, and it is killed
	command.Env = append(ownEnvironment(),
		"FLOWGATE_LISTEN_PUBLIC=127.0.0.1:0",
		"FLOWGATE_LISTEN_ADMIN=127.0.0.1:0",
		"FLOWGATE_UPSTREAM_ADDRESS="+l.upstream.Public,
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

// ownEnvironment is this process's without what would configure a gateway.
func ownEnvironment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLOWGATE_") && !strings.HasPrefix(variable, "OTEL_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
