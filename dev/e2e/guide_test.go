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
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// skippedBlocks contains the shell blocks of a document that a test cannot run: the first line of each, and the reason.
// An entry for which the document has no block fails the test.
type skippedBlocks map[string]string

// dataLanguages are the languages of fenced blocks that contain no commands.
var dataLanguages = []string{"yaml", "json", "text"} //nolint:gochecknoglobals // a constant

// clientLanguages are the languages of fenced blocks that e2e/guide runs.
var clientLanguages = []string{"python", "js", "go", "java"} //nolint:gochecknoglobals // a constant

// TestGuide runs every command of docs/guide.md in order and compares the output with the documented one.
func TestGuide(t *testing.T) {
	t.Parallel()
	skipped := skippedBlocks{
		"make run": "the tests have started the same servers",
		"docker build --build-arg VERSION=1.0.0 -t flowgate .": "it needs Docker and the network",
		"npx openapi-typescript http://127.0.0.1:8080/v1/openapi.json -o flowgate.ts": "it needs Node.js and the " +
			"network; e2e/ generates clients",
		`sed -e 's/bind :8080/bind 127.0.0.1:8096/' -e 's/gateway-1:8080/127.0.0.1:8092/' -e 's/gateway-2:8080/127.0.0.1:8094/' \`: "it " +
			"needs HAProxy; deploy/compose runs it with the same file",
	}
	ran := runDocument(t, "../../docs/guide.md", skipped)
	t.Logf("%d commands of the guide ran", ran)
}

// TestGuideOnboarding runs every command of docs/onboarding.md in order and compares the output with the documented one.
func TestGuideOnboarding(t *testing.T) {
	t.Parallel()
	ran := runDocument(t, "../../docs/onboarding.md", skippedBlocks{})
	t.Logf("%d commands of the page ran", ran)
}

// runDocument runs every console block of a document in order and returns the number of commands. It requires that
// skipped has all blocks with the language sh, and no others.
func runDocument(t *testing.T, path string, skipped skippedBlocks) int {
	t.Helper()
	sh := newShell(t)
	ran := 0
	for _, block := range readFences(t, path) {
		switch block.language {
		case "console":
			steps, err := block.steps()
			require.NoError(t, err)
			for _, s := range steps {
				sh.expect(t, s, lenient)
				ran++
			}
		case "sh":
			skipped.skip(t, block)
		default:
			require.Contains(t, slices.Concat(dataLanguages, clientLanguages), block.language, "line %d: no test runs such a block", block.line)
			require.NotContains(t, block.text(), "$ ", "line %d: commands belong in console blocks", block.line)
		}
	}
	require.Empty(t, skipped, "the document no longer contains these blocks")
	return ran
}

// TestGuideREADME runs every shell block of README.md and compares the output with the documented one. If no output is
// documented, it requires that no HTTP request fails.
func TestGuideREADME(t *testing.T) {
	t.Parallel()
	skipped := skippedBlocks{
		"make run":   "the tests have started the same servers",
		"make build": "the gateway is already built, and TestGuide creates a key",
		"docker build --build-arg VERSION=1.0.0 -t flowgate .": "it needs Docker and the network",
		"make test       # everything that CI runs":            "it runs these tests",
	}
	sh := newShell(t)
	blocks, ran := readFences(t, "../../README.md"), 0
	for i, block := range blocks {
		switch block.language {
		case "sh":
			s := step{line: block.line, command: block.text()}
			hasOutput := i+1 < len(blocks) && blocks[i+1].follows && blocks[i+1].language == ""
			if skipped.has(block) {
				skipped.skip(t, block)
				continue
			}
			if hasOutput {
				s.output = blocks[i+1].text()
			}
			sh.expect(t, s, !hasOutput)
			ran++
		case "":
			require.True(t, i > 0 && blocks[i-1].language == "sh", "line %d: an output without a command", block.line)
		default:
			require.Contains(t, dataLanguages, block.language, "line %d: no test runs such a block", block.line)
		}
	}
	require.Empty(t, skipped, "the README no longer contains these blocks")
	t.Logf("%d blocks of the README ran", ran)
}

// has reports whether there is an entry for a block.
func (n skippedBlocks) has(block fence) bool {
	_, known := n[block.lines[0]]
	return known
}

// skip requires an entry for a block and deletes it. The entries that remain at the end have no block.
func (n skippedBlocks) skip(t *testing.T, block fence) {
	t.Helper()
	require.NotEmpty(t, block.lines, "line %d: the block is empty", block.line)
	require.True(t, n.has(block), "line %d: the test does not run %q and has no entry with a reason", block.line, block.lines[0])
	delete(n, block.lines[0])
}

// shell runs each command in a new bash process. All commands share the working directory dir and the variables that
// previous commands have set, which are stored in the directory state.
type shell struct {
	dir, state string
	env        []string
	// addresses replaces the addresses in a document with those of the servers of the test.
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
		"127.0.0.1:8092", freeAddress(t),
		"127.0.0.1:8093", freeAddress(t),
		"127.0.0.1:8094", freeAddress(t),
		"127.0.0.1:8095", freeAddress(t),
	)}
	s.env = append(os.Environ(),
		"PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"CURL_HOME="+state, "STATE="+filepath.Join(state, "variables"), "NO_PROXY=127.0.0.1",
	)
	return s
}

// freeAddress returns a loopback address with a free port.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // does not block
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// Values of the parameter strict of expect and run.
const strict, lenient = true, false

// expect runs a command and requires the documented output. If strict is true, no output is documented: expect then
// requires only that no HTTP request fails. Commands that begin with "curl -G" read lists and counts, which are
// eventually consistent. They and commands that begin with "sleep" are repeated until they succeed or time out. All
// others must succeed the first time.
func (s *shell) expect(t *testing.T, st step, strict bool) {
	t.Helper()
	const timeout = 15 * time.Second
	pattern := outputPattern(s.addresses.Replace(st.output))
	deadline := time.Now().Add(timeout)
	for {
		printed, err := s.run(t, s.addresses.Replace(st.command), strict)
		if err == nil && (strict || pattern.MatchString(printed)) {
			return
		}
		eventual := strings.HasPrefix(st.command, "curl -G ") || strings.HasPrefix(st.command, "sleep ")
		if !eventual || time.Now().After(deadline) {
			require.FailNow(t, "the output differs from the document", "line %d: %s\nended with: %v\n\nprinted:\n%s\ndocumented:\n%s",
				st.line, st.command, err, printed, st.output)
		}
	}
}

// run runs a command and returns its standard output and standard error. curl prints no progress. If strict is true,
// curl fails if the response has an error status.
func (s *shell) run(t *testing.T, command string, strict bool) (string, error) {
	t.Helper()
	const timeout = time.Minute
	settings := "silent\n"
	if strict {
		settings += "fail-with-body\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.state, ".curlrc"), []byte(settings), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
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
		t.Cleanup(func() { _ = syscall.Kill(group, syscall.SIGKILL) }) // ends the background processes of the command
	}
	err = bash.Wait()
	return printed.String(), err
}

// The tests of a release run against one Temporal server, whose version docs/versioning.md names.
func TestVersioningNamesTestedServer(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/versioning.md")
	require.NoError(t, err)
	module, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`go\.temporal\.io/server v(\d+\.\d+)`).FindSubmatch(module)
	require.NotNil(t, version)
	sentence := "The tests run against Temporal server " + string(version[1]) + "."
	require.Contains(t, string(document), sentence)
}

// TestGuideDetectsErrors tests the shell: it keeps variables between commands and returns an error for a failed
// command.
func TestGuideDetectsErrors(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	printed, err := sh.run(t, "one=1; cd /", lenient)
	require.NoError(t, err)
	require.Empty(t, printed)
	printed, err = sh.run(t, `echo "$one"; false; echo 2`, lenient)
	require.Error(t, err)
	require.Equal(t, "1\n", printed)
	_, err = sh.run(t, "curl http://127.0.0.1:1/", lenient)
	require.Error(t, err)
	_, err = sh.run(t, "curl "+shared.replicas[0].URL+"/v1/system-info", strict)
	require.Error(t, err)
}

// TestOperationsListsMetricsOfGateway checks that docs/operations.md lists every metric of a running gateway. A test in
// internal/telemetry checks the reverse, because some metrics appear only with their first event.
func TestOperationsListsMetricsOfGateway(t *testing.T) {
	t.Parallel()
	start(t, "Echo")
	document, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shared.replicas[0].AdminURL+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	checked := 0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, is := strings.CutPrefix(lines.Text(), "# TYPE ")
		name, _, _ = strings.Cut(name, " ")
		if is && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			require.Contains(t, string(document), "\n| `"+name+"` |")
			checked++
		}
	}
	require.GreaterOrEqual(t, checked, 11)
}
