// Package nginx_test runs nginx with the configuration of this directory.
package nginx_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
	"github.com/flowgate/flowgate/deploy/deploytest/load"
)

// drainDelay is the gateway's default. nginx closes idle connections to a replica earlier.
const drainDelay = 5 * time.Second

// mainConfig is the file that includes flowgate.conf. Its paths are in a directory of the test.
const mainConfig = `%[2]s
daemon off;
worker_processes 2;
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
    access_log %[1]s/access.log;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    include %[1]s/flowgate.conf;
}
`

// startNginx starts nginx in front of two replicas. Only the certificate and the addresses differ from the file.
func startNginx(t *testing.T, replicas *deploytest.Replicas) *load.Load {
	t.Helper()
	certificate := deploytest.NewCertificate(t)
	address := fmt.Sprintf("127.0.0.1:%d", deploytest.FreePort(t))
	dir := t.TempDir()
	deploytest.Rewrite(t, "deploy/nginx/flowgate.conf", filepath.Join(dir, "flowgate.conf"),
		"listen 443 ssl", "listen "+address+" ssl", "/etc/nginx/flowgate.crt", certificate.CertFile, "/etc/nginx/flowgate.key", certificate.KeyFile,
		"10.0.0.1:8080", replicas.Address(0), "10.0.0.2:8080", replicas.Address(1))
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // the workers use the directory of the test
	}
	config := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, mainConfig, dir, user), 0o600))
	deploytest.Start(t, exec.Command(deploytest.Program(t, "nginx", "nginx"), "-c", config)) //nolint:gosec,noctx // ends with the test
	return load.New(t, "https://"+address, certificate.Roots)
}

func TestRollingRestartsLoseNoCall(t *testing.T) {
	t.Parallel()
	replicas := deploytest.StartReplicas(t, 2, drainDelay)
	load.RequireNoLoss(t, startNginx(t, replicas), replicas)
}

func TestAKilledReplicaLosesOnlyItsOwnWrites(t *testing.T) {
	t.Parallel()
	replicas := deploytest.StartReplicas(t, 2, drainDelay)
	load.RequireDocumentedLoss(t, startNginx(t, replicas), replicas)
}
