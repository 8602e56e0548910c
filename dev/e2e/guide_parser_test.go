package e2e_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fence is a fenced code block of a Markdown document.
type fence struct {
	line     int // number of the opening line in the document, from 1
	language string
	lines    []string
	// follows reports whether only blank lines separate the block from the previous one.
	follows bool
}

func (f fence) text() string { return strings.Join(f.lines, "\n") }

// readFences returns all fenced code blocks of a document. It rejects indented fences and fences of tildes, which
// Markdown permits and parseFences does not support.
func readFences(t *testing.T, name string) []fence {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	fences, err := parseFences(string(text))
	require.NoError(t, err, name)
	require.NotEmpty(t, fences, name)
	return fences
}

func parseFences(text string) ([]fence, error) {
	var fences []fence
	open, follows := false, false
	for i, line := range strings.Split(text, "\n") {
		language, isFence := strings.CutPrefix(line, "```")
		bare := strings.TrimSpace(line)
		switch {
		case !open && isFence:
			fences = append(fences, fence{line: i + 1, language: language, follows: follows && len(fences) > 0})
			open = true
		case open && isFence && language != "":
			return nil, fmt.Errorf("line %d: a fence with a language inside a block", i+1)
		case open && isFence:
			open, follows = false, true
		case open:
			last := &fences[len(fences)-1]
			last.lines = append(last.lines, line)
		case strings.HasPrefix(bare, "```"), strings.HasPrefix(bare, "~~~"):
			return nil, fmt.Errorf("line %d: unsupported fence: it is indented or uses tildes", i+1)
		case bare != "":
			follows = false
		}
	}
	if open {
		return nil, fmt.Errorf("line %d: the block has no closing fence", fences[len(fences)-1].line)
	}
	return fences, nil
}

// step is one command of a document and its documented output.
type step struct {
	line    int
	command string
	output  string
}

// steps parses a console block. A line with the prefix "$ " begins a command, lines with "> " continue it, and all
// other lines are the output of the command.
func (f fence) steps() ([]step, error) {
	var steps []step
	inCommand := false
	for i, line := range f.lines {
		command, isCommand := strings.CutPrefix(line, "$ ")
		continuation, isContinuation := strings.CutPrefix(line, ">")
		switch {
		case isCommand:
			steps = append(steps, step{line: f.line + i + 1, command: command})
			inCommand = true
		case len(steps) == 0:
			return nil, fmt.Errorf("line %d: output before any command", f.line+i+1)
		case inCommand && isContinuation:
			steps[len(steps)-1].command += "\n" + strings.TrimPrefix(continuation, " ")
		default:
			steps[len(steps)-1].output += line + "\n"
			inCommand = false
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("line %d: the console block has no command", f.line)
	}
	for _, s := range steps {
		if s.output != "" && strings.Trim(s.output, ". \n") == "" {
			return nil, fmt.Errorf("line %d: the documented output is empty", s.line)
		}
	}
	return steps, nil
}

// shortenedID matches a shortened UUID in README.md, such as "01a1fbfe-…".
var shortenedID = regexp.MustCompile(`[0-9a-f]{8}-…`)

// outputPattern returns a pattern that matches the output of a command if it equals the documented output. In the
// document, "..." and "…" stand for any text, a shortened id for any id, and white space for optional white space, so
// that a document can wrap JSON.
func outputPattern(output string) *regexp.Regexp {
	const anything = `(?s:.*?)`
	output = strings.ReplaceAll(shortenedID.ReplaceAllString(output, "..."), "…", "...")
	words := strings.Fields(output)
	for i, word := range words {
		parts := strings.Split(word, "...")
		for j, part := range parts {
			parts[j] = regexp.QuoteMeta(part)
		}
		words[i] = strings.Join(parts, anything)
	}
	return regexp.MustCompile(`\A\s*` + strings.Join(words, `\s*`) + `\s*\z`)
}

func TestGuideParser(t *testing.T) {
	t.Parallel()
	fences, err := parseFences("text\n```console\n$ cat <<END\n> a\n>\n> END\na\n\n$ true\n```\n\n```sh\nls\n```\nmore\n```\nx\n```\n")
	require.NoError(t, err)
	require.Equal(t, []fence{
		{line: 2, language: "console", lines: []string{"$ cat <<END", "> a", ">", "> END", "a", "", "$ true"}},
		{line: 12, language: "sh", lines: []string{"ls"}, follows: true},
		{line: 16, lines: []string{"x"}},
	}, fences)
	steps, err := fences[0].steps()
	require.NoError(t, err)
	require.Equal(t, []step{{line: 3, command: "cat <<END\na\n\nEND", output: "a\n\n"}, {line: 9, command: "true"}}, steps)

	for _, text := range []string{"```console\n", "  ```console\n```\n", "~~~\n~~~\n", "```\n```console\n```\n"} {
		_, err := parseFences(text)
		require.Error(t, err, text)
	}
	for _, lines := range [][]string{{}, {"a"}, {"a", "$ true"}, {"$ ls", "..."}} {
		_, err := fence{lines: lines}.steps()
		require.Error(t, err, lines)
	}
}

func TestGuideOutputPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		documented, printed string
		match               bool
	}{
		{"", "", true},
		{"", "\n", true},
		{"", "a", false},
		{`{"a":1,` + "\n " + `"b":2}`, `{"a":1,"b":2}` + "\n", true},
		{`{"a":1}`, `{"a": 1}`, false},
		{`{"a":"...","b":2}`, `{"a":"0-1","b":2}`, true},
		{`{"a":"01a1fbfe-…","b":2}`, `{"a":"99-1","b":2}`, true},
		{`{"a":…,"b":2}`, `{"a":"0-1","b":3}`, false},
		{"HTTP/1.1 200 OK\n...\nok", "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\nok\n", true},
		{"ok", "ok?", false},
	} {
		require.Equal(t, c.match, outputPattern(c.documented).MatchString(c.printed), "%q matches %q", c.documented, c.printed)
	}
}
