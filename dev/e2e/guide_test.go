package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// skippedBlocks are the blocks of shell that these tests cannot run, by their first line, and why. A block of a document that
// is not here is run, and one here that no document has fails its test.
type skippedBlocks map[string]string

// dataLanguages are the languages of blocks that hold no command.
var dataLanguages = []string{"yaml", "json", "text"} //nolint:gochecknoglobals // a constant

// TestGuide runs every command of docs/guide.md in order, and compares what it prints with what the guide shows.
func TestGuide(t *testing.T) {
	t.Parallel()
	left := skippedBlocks{
		"make run": "it is what the test runs on",
		"docker build --build-arg VERSION=1.0.0 -t flowgate .": "it needs Docker and the network",
		"npx openapi-typescript http://127.0.0.1:8080/v1/openapi.json -o flowgate.ts": "it needs Node.js and the " +
			"network; e2e/ generates clients",
	}
	sh := newShell(t)
	ran := 0
	for _, block := range readFences(t, "../../docs/guide.md") {
		switch block.language {
		case "console":
			steps, err := block.steps()
			require.NoError(t, err)
			for _, s := range steps {
				sh.expect(t, s, false)
				ran++
			}
		case "sh":
			left.skip(t, block)
		default:
			require.Contains(t, dataLanguages, block.language, "line %d: no test runs such a block", block.line)
			require.NotContains(t, block.text(), "$ ", "line %d: commands belong in console blocks", block.line)
		}
	}
	require.Empty(t, left, "the guide does not have these any more")
	t.Logf("%d commands of the guide ran", ran)
}

// TestGuideREADME runs every block of shell of README.md. What it prints is compared where the README shows it; where
// it does not, no call may be refused.
func TestGuideREADME(t *testing.T) {
	t.Parallel()
	left := skippedBlocks{
		"make run":   "it is what the test runs on",
		"make build": "it builds; the guide's test makes a key",
		"docker build --build-arg VERSION=1.0.0 -t flowgate .": "it needs Docker and the network",
		"make test       # everything that CI runs":            "it runs this test",
	}
	sh := newShell(t)
	blocks, ran := readFences(t, "../../README.md"), 0
	for i, block := range blocks {
		switch block.language {
		case "sh":
			s := step{line: block.line, command: block.text()}
			shown := i+1 < len(blocks) && blocks[i+1].follows && blocks[i+1].language == ""
			if left.has(block) {
				left.skip(t, block)
				continue
			}
			if shown {
				s.output = blocks[i+1].text()
			}
			sh.expect(t, s, !shown)
			ran++
		case "":
			require.True(t, i > 0 && blocks[i-1].language == "sh", "line %d: the output of nothing", block.line)
		default:
			require.Contains(t, dataLanguages, block.language, "line %d: no test runs such a block", block.line)
		}
	}
	require.Empty(t, left, "the README does not have these any more")
	t.Logf("%d blocks of the README ran", ran)
}

func (n skippedBlocks) has(block fence) bool {
	_, known := n[block.lines[0]]
	return known
}

// skip passes a block over for which there is a reason, once.
func (n skippedBlocks) skip(t *testing.T, block fence) {
	t.Helper()
	require.NotEmpty(t, block.lines, "line %d: the block is empty", block.line)
	require.True(t, n.has(block), "line %d: the test does not run %q, and has no reason not to", block.line, block.lines[0])
	delete(n, block.lines[0])
}

// shell runs commands one after the other, each by a bash of its own, in one directory and with the variables that the
// ones before have set.
type shell struct {
	dir, state string
	env        []string
	// addresses are those of the documents, and those of the test instead.
	addresses *strings.Replacer
}

func newShell(t *testing.T) *shell {
	t.Helper()
	bin, err := filepath.Abs("../../bin")
	require.NoError(t, err)
	state := t.TempDir()
	s := &shell{dir: t.TempDir(), state: state, addresses: strings.NewReplacer(
		"http://127.0.0.1:8080", shared.replicas[0].URL,
		"http://127.0.0.1:8081", shared.replicas[0].AdminURL,
		"127.0.0.1:7233", shared.stack.Temporal().Address(),
		"127.0.0.1:8090", freeAddress(t),
		"127.0.0.1:8091", freeAddress(t),
	)}
	s.env = append(os.Environ(),
		"PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"CURL_HOME="+state, "STATE="+filepath.Join(state, "variables"), "NO_PROXY=127.0.0.1",
	)
	return s
}

// freeAddress is one that nobody listens at now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is there or it is not
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// expect runs a command until it prints what is shown. Lists and counts follow with a delay, and a command that begins
// with sleep says itself that something takes time: these are repeated for a while. All else has to be right at once.
func (s *shell) expect(t *testing.T, st step, strict bool) {
	t.Helper()
	const patience = 15 * time.Second
	pattern := outputPattern(s.addresses.Replace(st.output))
	deadline := time.Now().Add(patience)
	for {
		printed, err := s.run(t, s.addresses.Replace(st.command), strict)
		if err == nil && (strict || pattern.MatchString(printed)) {
			return
		}
		late := strings.HasPrefix(st.command, "curl -G ") || strings.HasPrefix(st.command, "sleep ")
		if !late || time.Now().After(deadline) {
			require.FailNow(t, "the document is wrong", "line %d: %s\nended with: %v\n\nprinted:\n%s\nshown:\n%s",
				st.line, st.command, err, printed, st.output)
		}
	}
}

// run runs a command and gives what a terminal would show of it. curl shows no progress there; strict makes it fail
// when a call is refused.
func (s *shell) run(t *testing.T, command string, strict bool) (string, error) {
	t.Helper()
	const patience = time.Minute
	settings := "silent\n"
	if strict {
		settings += "fail-with-body\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.state, ".curlrc"), []byte(settings), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	script := `set -a; if [ -f "$STATE" ]; then . "$STATE"; fi` + "\n" + command + "\n" + `export -p >"$STATE"`
	bash := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	bash.Dir, bash.Env = s.dir, s.env
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bash.WaitDelay = time.Second
	var printed bytes.Buffer
	bash.Stdout, bash.Stderr = &printed, &printed
	err := bash.Start()
	require.NoError(t, err)
	if group := -bash.Process.Pid; strings.Contains(command, " & ") {
		t.Cleanup(func() { _ = syscall.Kill(group, syscall.SIGKILL) }) // what it left in the background
	}
	err = bash.Wait()
	return printed.String(), err
}

// TestGuideRefuses shows that the tests of the documents can fail.
func TestGuideRefuses(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	printed, err := sh.run(t, "one=1; cd /", false)
	require.NoError(t, err)
	require.Empty(t, printed)
	printed, err = sh.run(t, `echo "$one"; false; echo 2`, false)
	require.Error(t, err)
	require.Equal(t, "1\n", printed)
	_, err = sh.run(t, "curl http://127.0.0.1:1/", false)
	require.Error(t, err)
	_, err = sh.run(t, "curl "+shared.replicas[0].URL+"/v1/system-info", true)
	require.Error(t, err)
}

// TestOperationsKnowsTheMetricsOfAGateway holds what a gateway really shows against docs/operations.md. That the table
// has no more than there is, is for a test beside the metrics to say: some appear with their first event only.
func TestOperationsKnowsTheMetricsOfAGateway(t *testing.T) {
	t.Parallel()
	start(t, "Echo")
	paper, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shared.replicas[0].AdminURL+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	looked := 0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, is := strings.CutPrefix(lines.Text(), "# TYPE ")
		name, _, _ = strings.Cut(name, " ")
		if is && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			require.Contains(t, string(paper), "\n| `"+name+"` |")
			looked++
		}
	}
	require.GreaterOrEqual(t, looked, 11)
}
