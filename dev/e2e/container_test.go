package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
)

// container is the memory limit of a gateway, as a container runtime sets it.
type container struct {
	dir   string // of the cgroup; empty if the test may not create one
	v2    bool   // the cgroup has version 2
	bytes int
}

// newContainer creates a cgroup with a memory limit. If the process may not do so, the container has no directory.
func newContainer(t *testing.T, bytes int) container {
	t.Helper()
	const root = "/sys/fs/cgroup"
	name := "flowgate-" + strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		container
		limit string
	}{
		{container{dir: filepath.Join(root, "memory", name), bytes: bytes}, "memory.limit_in_bytes"},
		{container{dir: filepath.Join(root, name), v2: true, bytes: bytes}, "memory.max"},
	} {
		if os.Mkdir(c.dir, 0o700) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(c.dir) }) // fails while a process is in it
		// A directory that is not a cgroup of the memory controller does not have the file, and writing does not create it.
		file, err := os.OpenFile(filepath.Join(c.dir, c.limit), os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		_, err = file.WriteString(strconv.Itoa(bytes))
		require.NoError(t, err)
		require.NoError(t, file.Close())
		return c.container
	}
	return container{bytes: bytes}
}

// start starts a gateway in the container.
func (c container) start(t *testing.T, env ...string) *stack.Gateway {
	t.Helper()
	config, err := filepath.Abs("testdata/gateway.yaml")
	require.NoError(t, err)
	options := stack.GatewayOptions{ConfigFile: config, Env: env}
	if c.dir == "" {
		t.Logf("no permission to create a cgroup: the gateway gets GOMEMLIMIT, and the bound is the kernel's count of its peak")
		options.Env = append(options.Env, fmt.Sprintf("GOMEMLIMIT=%d", c.goLimit()))
	} else {
		options.Wrapper = []string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, c.dir}
	}
	gateway, err := shared.stack.StartGateway(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() {
		const timeout = 40 * time.Second
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		assert.NoError(t, gateway.Stop(ctx))
	})
	return gateway
}

// goLimit returns the memory limit that the gateway sets for Go.
func (c container) goLimit() int { return int(float64(c.bytes) * 0.9) }

// peak returns the maximum memory of the cgroup, sockets and pages of files included, and the number of processes that
// the kernel has killed.
func (c container) peak(t *testing.T) (bytes, kills int) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(c.dir, name))
		require.NoError(t, err)
		return strings.TrimSpace(string(text))
	}
	peakFile, killsFile := "memory.max_usage_in_bytes", "memory.oom_control"
	if c.v2 {
		peakFile, killsFile = "memory.peak", "memory.events"
	}
	bytes, err := strconv.Atoi(read(peakFile))
	require.NoError(t, err)
	_, after, found := strings.Cut(read(killsFile), "oom_kill ")
	require.True(t, found)
	kills, err = strconv.Atoi(strings.Fields(after)[0])
	require.NoError(t, err)
	return bytes, kills
}

// TestTenThousandWaitInContainer shows that 10,000 waits and other calls fit into a container with 512 MiB. The gateway
// itself sets Go's memory limit from that of the container. The test does not run in parallel with others, which it would
// slow down.
func TestTenThousandWaitInContainer(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 30 s")
	}
	const (
		n, limit        = 10_000, 512 << 20
		clients, rounds = 8, 10 // of four other calls each
		wait            = 100 * time.Second
	)
	c := newContainer(t, limit)
	gateway := c.start(t,
		"FLOWGATE_LIMITS_IN_FLIGHT_CALLER_SHARE=1", // all waits have one key
		fmt.Sprintf("FLOWGATE_LIMITS_IN_FLIGHT_WAITS=%d", n+clients),
		"FLOWGATE_LIMITS_MAX_WAIT="+wait.String(), "FLOWGATE_LIMITS_REQUEST_BUDGET=110s") // for a busy machine
	require.Contains(t, strings.Join(gateway.Logs(), "\n"), fmt.Sprintf(`"msg":"memory is limited","bytes":%d`, c.goLimit()))
	callers := newRawConnections(t, n)
	s := start(t, "Wait")
	callers.startWaits(t, gateway, s, wait)
	t.Logf("%d callers wait: %d MiB of resident memory", n, residentBytes(t, gateway, "VmRSS")>>20)

	// Other calls make garbage, which the limit makes Go collect in time.
	prefix := newID(t)
	var calling sync.WaitGroup
	errs := make([]error, clients)
	for i := range clients {
		calling.Go(func() {
			for round := range rounds {
				if errs[i] == nil {
					errs[i] = fourCalls(t.Context(), gateway, fmt.Sprintf("%s-%d-%d", prefix, i, round))
				}
			}
		})
	}
	calling.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	callers.completeWorkflow(t, s)
	peak := residentBytes(t, gateway, "VmHWM")
	t.Logf("peak of resident memory: %d MiB", peak>>20)
	require.Less(t, peak, limit)
	if c.dir != "" {
		used, kills := c.peak(t)
		t.Logf("peak of the cgroup with a limit of %d MiB: %d MiB", limit>>20, used>>20)
		require.Zero(t, kills)
	}
}

// GOMEMLIMIT takes precedence over the limit of the container.
func TestMemoryLimitOfEnvironment(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t, "GOMEMLIMIT=400MiB")
	require.Contains(t, strings.Join(gateway.Logs(), "\n"), fmt.Sprintf(`"msg":"memory is limited","bytes":%d`, 400<<20))
	require.Equal(t, 400<<20, int(e2etest.Metric(t, gateway, "go_gc_gomemlimit_bytes")))
}
