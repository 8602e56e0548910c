package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
)

// TestExamples runs every command in the README of each folder of examples/, in order and in a copy of the folder, and
// compares the output with the documented one.
func TestExamples(t *testing.T) {
	t.Parallel()
	readmes, err := filepath.Glob("../../examples/*/README.md")
	require.NoError(t, err)
	folders, err := os.ReadDir("../../examples")
	require.NoError(t, err)
	require.Len(t, readmes, len(folders), "each folder has a README")
	for _, readme := range readmes {
		folder := filepath.Dir(readme)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			runExample(t, folder, readme)
		})
	}
}

func runExample(t *testing.T, folder, readme string) {
	t.Helper()
	const screen = 60 // lines
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(string(text), "\n"), screen, "the README fits on one screen")
	sh := newShell(t)
	sh.dir = filepath.Join(t.TempDir(), filepath.Base(folder))
	require.NoError(t, os.CopyFS(sh.dir, os.DirFS(folder)))
	// The poll of a worker that was killed remains for seconds. It must not receive a task of the next run of the test.
	unique := strings.NewReplacer("imports-", "imports-"+uuid.NewString()[:8]+"-")
	ran := 0
	for _, block := range readFences(t, readme) {
		require.Equal(t, "console", block.language, "line %d: no test runs such a block", block.line)
		steps, err := block.steps()
		require.NoError(t, err)
		for _, s := range steps {
			s.command, s.output = unique.Replace(s.command), unique.Replace(s.output)
			sh.expect(t, s, lenient)
			ran++
		}
	}
	t.Logf("%d commands ran", ran)
}

// TestWelcomeAboutSchedules runs the commands about schedules that make run prints.
func TestWelcomeAboutSchedules(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	commands := stack.ScheduleCommands(shared.replicas[0].URL)
	sh.expect(t, step{command: commands[0], output: `{"scheduleId":"nightly"}`}, lenient)
	e2etest.Eventually(t, "the list has the workflow of the schedule", func() bool {
		printed, err := sh.run(t, commands[1], strict)
		return err == nil && strings.Contains(printed, `"workflowType":"Report"`) && strings.Contains(printed, `"status":"COMPLETED"`)
	})
	sh.expect(t, step{command: commands[2]}, lenient)
	require.Len(t, commands, 3)
}

// TestExampleWorkers shows what each worker of examples/ does besides completing activities.
func TestExampleWorkers(t *testing.T) {
	t.Parallel()
	for name, command := range exampleWorkers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queue := newID(t)
			w := startExampleWorker(t, command, queue)

			invalid := newID(t)
			startActivity(t, "default", invalid, queue, `1`, 0)
			outcome, err := shared.server.PollActivityExecution(t.Context(), &workflowservice.PollActivityExecutionRequest{Namespace: "default", ActivityId: invalid})
			require.NoError(t, err)
			failure := outcome.GetOutcome().GetFailure().GetApplicationFailureInfo()
			require.Equal(t, "BadArguments", failure.GetType())
			require.True(t, failure.GetNonRetryable())

			s := start(t, "Import", `"args":[{"taskQueue":`+quote(queue)+`,"files":1,"rows":100000}]`)
			e2etest.Eventually(t, "the worker has sent a heartbeat", func() bool {
				pending := describe(t, s.WorkflowID).PendingActivities
				return len(pending) == 1 && len(pending[0].HeartbeatDetails) == 1
			})
			writer().post(t, workflowPath(s.WorkflowID, "/cancel"), "").expect(t, http.StatusNoContent)
			require.Equal(t, "CANCELED", awaitOutcome(t, s.WorkflowID).Status)

			last := start(t, "Import", `"args":[{"taskQueue":`+quote(queue)+`,"files":1,"rows":20}]`)
			e2etest.Eventually(t, "the worker has a task", func() bool {
				pending := describe(t, last.WorkflowID).PendingActivities
				return len(pending) == 1 && len(pending[0].HeartbeatDetails) == 1
			})
			require.NoError(t, w.Process.Signal(syscall.SIGTERM))
			require.Equal(t, "COMPLETED", awaitOutcome(t, last.WorkflowID).Status, "the task ends before the worker stops")
			require.NoError(t, w.Wait())
		})
	}
}

// exampleWorkers are the commands of the workers in examples/, which take a task queue as their last argument.
var exampleWorkers = map[string][]string{ //nolint:gochecknoglobals // a constant
	"bash":   {"bash", "../../examples/activity-worker-bash/worker.sh"},
	"python": {"python3", "../../examples/activity-worker-python/worker.py"},
	"node":   {"node", "../../examples/activity-worker-node/worker.mjs"},
}

func startExampleWorker(t *testing.T, command []string, queue string) *exec.Cmd {
	t.Helper()
	w := exec.CommandContext(t.Context(), command[0], append(command[1:len(command):len(command)], queue)...)
	w.Env = exampleEnvironment(shared.replicas[0].URL)
	w.Stderr = os.Stderr
	require.NoError(t, w.Start())
	t.Cleanup(func() {
		_ = w.Process.Kill()
		_ = w.Wait()
	})
	return w
}

// exampleEnvironment returns the environment of an example that uses the gateway at url.
func exampleEnvironment(url string) []string {
	return append(os.Environ(), "FLOWGATE_URL="+url, "FLOWGATE_KEY="+stack.WriterKey, "NO_PROXY=127.0.0.1")
}
