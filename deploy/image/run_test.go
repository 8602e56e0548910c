package image_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// container is a container of the image. The isolation chroot leaves it in the network of this machine.
type container struct {
	buildah
	name          string
	options       []string // of buildah run
	public, admin string   // the addresses of the listeners
}

func newContainer(t *testing.T, b buildah, name string, stack deploytest.Stack) container {
	t.Helper()
	c := container{
		buildah: b, name: name,
		public: fmt.Sprintf("127.0.0.1:%d", deploytest.FreePort(t)), admin: fmt.Sprintf("127.0.0.1:%d", deploytest.FreePort(t)),
	}
	c.options = []string{"run", "--isolation", "chroot", "--volume", developmentConfiguration(t) + ":/etc/flowgate:ro"}
	for _, variable := range []string{"LISTEN_PUBLIC=" + c.public, "LISTEN_ADMIN=" + c.admin, "UPSTREAM_ADDRESS=" + stack.Temporal} {
		c.options = append(c.options, "--env", "FLOWGATE_"+variable)
	}
	return c
}

// developmentConfiguration returns a directory with the configuration and the keys of make run, which the user of the
// image can read.
func developmentConfiguration(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // the keys are public
	for _, name := range []string{"gateway.yaml", "keys.yaml"} {
		text := read(t, filepath.Join(deploytest.Repository(t), "dev", "stack", name))
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, text, 0o600))
		require.NoError(t, os.Chmod(file, 0o644)) //nolint:gosec // the keys are public
	}
	return dir
}

// args returns the arguments of buildah that run a command in the container.
func (c container) args(command ...string) []string {
	return append(append(append([]string{}, c.options...), c.name, "--"), command...)
}

// requireRuns starts the image by its own entry point and command, as its own user, waits until its health check succeeds,
// calls the gateway and stops it.
func requireRuns(t *testing.T, b buildah, image string) {
	t.Helper()
	stack := deploytest.Environment(t)
	config := b.inspect(t, image).Config
	name, root := b.mount(t, image)
	c := newContainer(t, b, name, stack)
	require.Equal(t, version, b.run(t, c.args(binary, "version")...))
	before := snapshot(t, root) // after a first run, for which buildah has created mount points

	err := b.command(t, c.args(config.Healthcheck.Test[1:]...)...).Run()
	require.Error(t, err, "the health check fails while no gateway runs")
	process := deploytest.Start(t, b.command(t, c.args(append(config.Entrypoint, config.Command...)...)...))
	for _, check := range [][]string{config.Healthcheck.Test[1:], {binary, "health"}} {
		require.Eventually(t, func() bool { return b.command(t, c.args(check...)...).Run() == nil },
			30*time.Second, 100*time.Millisecond, "%s\n%s", check, process.Output())
	}
	gateway := listenerProcess(t, c.admin)
	require.Equal(t, strings.Split(config.User, ":")[0], statusField(t, gateway, "Uid"))
	require.Equal(t, "0000000000000000", statusField(t, gateway, "CapEff"))

	workflow := fmt.Sprintf(`{"workflowType":"Echo","workflowId":"image-%d","taskQueue":%q,"args":["from the image"]}`, os.Getpid(), stack.TaskQueue)
	status, body := c.post(t, stack, "/workflows?wait=20s", workflow)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `"result":["from the image"]`)

	// The root file system has no time zones; the binary contains them. A zone that does not exist shows that the gateway looks them up.
	for zone, want := range map[string]int{"Europe/Paris": http.StatusCreated, "Europe/Atlantis": http.StatusBadRequest} {
		status, body := c.post(t, stack, "/schedules", fmt.Sprintf(`{"scheduleId":"image-%d","schedule":{"action":`+
			`{"workflowType":"Echo","workflowId":"image","taskQueue":%q},"spec":{"cronExpressions":["0 12 * * *"],"timeZoneName":%q},"state":{"paused":true}}}`,
			os.Getpid(), stack.TaskQueue, zone))
		require.Equal(t, want, status, body)
	}
	c.send(t, stack, http.MethodDelete, fmt.Sprintf("/schedules/image-%d", os.Getpid()), "")

	require.NoError(t, syscall.Kill(gateway, syscall.SIGTERM)) // buildah does not forward the signal
	<-process.Done()
	require.NoError(t, process.Stop())
	require.Contains(t, process.Output(), `"msg":"stopped"`)
	require.Equal(t, before, snapshot(t, root), "the gateway writes no files")
}

func (c container) post(t *testing.T, stack deploytest.Stack, path, body string) (status int, response string) {
	t.Helper()
	return c.send(t, stack, http.MethodPost, path, body)
}

// send sends a request to the gateway in the container. The path is relative to the namespace.
func (c container) send(t *testing.T, stack deploytest.Stack, method, path, body string) (status int, response string) {
	t.Helper()
	url := "http://" + c.public + "/v1/namespaces/" + stack.Namespace + path
	return deploytest.Call(t, method, url, stack.WriterKey, body)
}

// listenerProcess returns the id of the gateway that has the address of its admin listener in its environment. Only the
// process of the gateway has the binary's name: those of buildah have their own.
func listenerProcess(t *testing.T, admin string) int {
	t.Helper()
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, name := range environments {
		dir := filepath.Dir(name)
		environ, err := os.ReadFile(name) //nolint:gosec // a file of /proc
		executable, _ := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil || !strings.HasSuffix(executable, binary) || !bytes.Contains(environ, []byte("FLOWGATE_LISTEN_ADMIN="+admin+"\x00")) {
			continue // another process, or one that has ended
		}
		id, err := strconv.Atoi(filepath.Base(dir))
		require.NoError(t, err)
		return id
	}
	require.FailNow(t, "no process of the gateway")
	return 0
}

// statusField returns the first value of a field of /proc/PID/status.
func statusField(t *testing.T, pid int, name string) string {
	t.Helper()
	text := read(t, fmt.Sprintf("/proc/%d/status", pid))
	_, after, found := strings.Cut(string(text), "\n"+name+":\t")
	require.True(t, found)
	return strings.Fields(after)[0]
}
