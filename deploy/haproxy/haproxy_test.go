// Package haproxy_test runs HAProxy with the configuration of this directory.
package haproxy_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/flowgate/flowgate/deploy/deploytest"
	"github.com/flowgate/flowgate/deploy/deploytest/load"
)

// drainDelay is longer than the time in which HAProxy notices that a replica drains: two checks, one second apart.
const drainDelay = 3 * time.Second

// startHAProxy starts HAProxy in front of two replicas. Only the certificate and the addresses differ from the file.
func startHAProxy(t *testing.T, replicas *deploytest.Replicas) *load.Load {
	t.Helper()
	certificate := deploytest.NewCertificate(t)
	address := fmt.Sprintf("127.0.0.1:%d", deploytest.FreePort(t))
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	deploytest.Rewrite(t, "deploy/haproxy/haproxy.cfg", config,
		"bind :443 ssl crt /etc/haproxy/flowgate.pem", "bind "+address+" ssl crt "+certificate.BothFile,
		"10.0.0.1:8080", replicas.Address(0), "10.0.0.2:8080", replicas.Address(1))
	deploytest.Start(t, exec.Command(deploytest.Program(t, "haproxy", "haproxy"), "-db", "-f", config)) //nolint:gosec,noctx // ends with the test
	return load.New(t, "https://"+address, certificate.Roots)
}

func TestRollingRestartsLoseNoCall(t *testing.T) {
	t.Parallel()
	replicas := deploytest.StartReplicas(t, 2, drainDelay)
	load.RequireNoLoss(t, startHAProxy(t, replicas), replicas)
}
