package deploytest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// replicaConfig is the configuration of replicas behind a load balancer on loopback.
const replicaConfig = `listen:
  drainDelay: %s
  trustedProxies: [127.0.0.1]
auth:
  apiKeys: {file: %s}
`

// Replicas are gateways with the same configuration behind a load balancer. Each keeps its ports when it restarts.
type Replicas struct {
	config   string
	gateways []*Gateway
	ports    [][2]int
}

// StartReplicas starts n replicas with a drain delay.
func StartReplicas(t testing.TB, n int, drainDelay time.Duration) *Replicas {
	t.Helper()
	keys := filepath.Join(Repository(t), "dev", "stack", "keys.yaml")
	r := &Replicas{config: filepath.Join(t.TempDir(), "gateway.yaml")}
	require.NoError(t, os.WriteFile(r.config, fmt.Appendf(nil, replicaConfig, drainDelay, keys), 0o600))
	for i := range n {
		r.ports = append(r.ports, [2]int{FreePort(t), FreePort(t)})
		r.gateways = append(r.gateways, nil)
		r.Start(t, i)
	}
	return r
}

// Start starts replica i, which must have exited, and waits until it is ready.
func (r *Replicas) Start(t testing.TB, i int) {
	t.Helper()
	r.gateways[i] = StartGateway(t, r.config, r.ports[i][0], r.ports[i][1])
}

// Restart ends replica i by SIGTERM, waits until it exits, and starts it again.
func (r *Replicas) Restart(t testing.TB, i int) {
	t.Helper()
	require.NoError(t, r.gateways[i].Stop(), "the exit code is 0")
	r.Start(t, i)
}

// Kill ends replica i by SIGKILL and waits for its end.
func (r *Replicas) Kill(t testing.TB, i int) {
	t.Helper()
	require.NoError(t, r.gateways[i].Signal(os.Kill))
	<-r.gateways[i].Done()
}

// Address returns the host and port of the public listener of replica i.
func (r *Replicas) Address(i int) string { return r.gateways[i].Address }

// Output returns what the current process of replica i has written.
func (r *Replicas) Output(i int) string { return r.gateways[i].Output() }
