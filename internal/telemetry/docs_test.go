package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// These tests compare the documents with the code. They are in this package because most of them concern metrics and
// the log.

const operations = "../../docs/operations.md"

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name) //nolint:gosec // the names are constants of this file
	require.NoError(t, err)
	return string(text)
}

// table returns the rows, without the header, of the table in docs/operations.md that follows the comment with the
// given name.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	_, rest, found := strings.Cut(document(t, operations), "<!-- "+name+": a test compares this table with the code -->\n")
	require.True(t, found, name)
	text, _, found := strings.Cut(rest, "\n\n")
	require.True(t, found, name)
	lines := strings.Split(text, "\n")
	require.Greater(t, len(lines), 2, name)
	rows := make([][]string, 0, len(lines)-2)
	for _, line := range lines[2:] {
		rows = append(rows, cells(line))
	}
	return rows
}

// cells returns the cells of a table row, or nil if the line is not a table row.
func cells(line string) []string {
	if !strings.HasPrefix(line, "| ") {
		return nil
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), "|"), "|")
	for i, cell := range parts {
		parts[i] = strings.TrimSpace(cell)
	}
	return parts
}

var quoted = regexp.MustCompile("`([^`]+)`")

// inBackticks returns the texts that are enclosed in backticks.
func inBackticks(text string) []string {
	found := []string{}
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// metric describes a metric, as /metrics exports it or as the table in docs/operations.md lists it.
type metric struct {
	kind   string
	labels []string
}

func TestOperationsDocumentListsEveryMetric(t *testing.T) {
	t.Parallel()
	metrics, err := telemetry.NewMetrics("1.2.3")
	require.NoError(t, err)
	metrics.LimitCallers(1)
	metrics.SetConfiguration("c0ffee")
	recordEverything(t, metrics)
	metrics.ObserveKeyAges(func() map[string]time.Duration { return map[string]time.Duration{"idp": time.Hour} })
	metrics.ObserveFile("keys", func() bool { return true })
	metrics.ObserveCertificate("listener", time.Now)
	metrics.ObserveKeysExpiry(time.Now)
	metrics.ObserveUpstreamCredential(time.Now)
	recorder := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	exported := parseMetrics(recorder.Body.String())

	listed := map[string]metric{}
	for _, row := range table(t, "metrics") {
		name := inBackticks(row[0])[0]
		require.NotContains(t, listed, name)
		labels := inBackticks(row[2])
		slices.Sort(labels)
		listed[name] = metric{kind: row[1], labels: labels}
	}
	require.Equal(t, exported, listed)
}

// recordEverything calls every method that records a measurement, by reflection.
func recordEverything(t *testing.T, metrics *telemetry.Metrics) {
	t.Helper()
	value, recorded := reflect.ValueOf(metrics), 0
	for i := range value.NumMethod() {
		method := value.Method(i)
		name := value.Type().Method(i).Name
		if name == "Shutdown" || method.Type().NumIn() == 0 || method.Type().In(0) != reflect.TypeFor[context.Context]() {
			continue
		}
		arguments := []reflect.Value{reflect.ValueOf(t.Context())}
		for j := 1; j < method.Type().NumIn(); j++ {
			arguments = append(arguments, reflect.Zero(method.Type().In(j)))
		}
		method.Call(arguments)
		recorded++
	}
	require.Positive(t, recorded)
}

// parseMetrics returns the metrics in a text in the Prometheus format, by name. It omits the metrics of the Go runtime
// and of the process.
func parseMetrics(text string) map[string]metric {
	found := map[string]metric{}
	label := regexp.MustCompile(`([a-z_]+)="`)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if kind, is := strings.CutPrefix(line, "# TYPE "); is {
			name, kind, _ := strings.Cut(kind, " ")
			if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
				found[name] = metric{kind: kind, labels: []string{}}
			}
			continue
		}
		series, set, _ := strings.Cut(line, "{")
		name := strings.Fields(series + " ")
		if len(name) == 0 {
			continue
		}
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			m, known := found[strings.TrimSuffix(name[0], suffix)]
			if !known || suffix != "" && m.kind != "histogram" {
				continue
			}
			for _, match := range label.FindAllStringSubmatch(set, -1) {
				if match[1] != "le" && !slices.Contains(m.labels, match[1]) {
					m.labels = append(m.labels, match[1])
				}
			}
			slices.Sort(m.labels)
			found[strings.TrimSuffix(name[0], suffix)] = m
		}
	}
	return found
}

func TestOperationsDocumentListsEveryLogField(t *testing.T) {
	t.Parallel()
	var event telemetry.Event
	value := reflect.ValueOf(&event).Elem()
	for i := range value.NumField() {
		switch field := value.Field(i); field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Int, reflect.Int64:
			field.SetInt(1000)
		default:
			require.Fail(t, "this test does not support the type of the field", value.Type().Field(i).Name)
		}
	}
	var line bytes.Buffer
	event.Log(telemetry.NewLogger(&line, "info", "json"))
	var fields map[string]any
	require.NoError(t, json.Unmarshal(line.Bytes(), &fields))

	listed := []string{}
	for _, row := range table(t, "log fields") {
		listed = append(listed, inBackticks(row[0])...)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(fields)), listed)
}

func TestOperationsDocumentListsEveryProblemCode(t *testing.T) {
	t.Parallel()
	listed, defined := map[string]string{}, map[string]string{}
	for _, row := range table(t, "problem codes") {
		code := inBackticks(row[0])[0]
		require.NotContains(t, listed, code)
		listed[code] = row[1] + " " + row[2]
	}
	for _, code := range problem.Codes() {
		require.NotEmpty(t, code.Check(), code)
		defined[string(code)] = strconv.Itoa(code.Row().Status) + " " + code.Check()
	}
	require.Equal(t, defined, listed)
}

// documents returns the paths of all Markdown documents.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/adr/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		all = append(all, found...)
	}
	return all
}

// The test checks every text in backticks that has the form of a setting or of an environment variable of the gateway,
// and every table row that contains a setting and its default.
func TestDocumentsMentionExistingSettings(t *testing.T) {
	t.Parallel()
	defaults, variables, sections := map[string]string{}, map[string]bool{}, map[string]bool{}
	for _, setting := range config.Settings() {
		defaults[setting.Path], variables[setting.Env] = setting.Default, true
		path := setting.Path
		for cut := strings.LastIndex(path, "."); cut > 0; cut = strings.LastIndex(path, ".") {
			path = path[:cut]
			sections[path] = true
		}
	}
	for _, name := range []string{"upstream.metadata", "auth.jwt", "auth.certificates"} {
		sections[name] = true // maps and lists, which only the configuration file can set
	}
	settingPath := regexp.MustCompile(`^(listen|upstream|auth|cors|tokens|limits|docs|log|metrics)(\.[a-z][a-zA-Z]*)+$`) // excludes Go names such as auth.Principal
	fileName := regexp.MustCompile(`\.(md|go|yaml|yml|json)$`)
	checked := 0
	for _, path := range documents(t) {
		for number, line := range strings.Split(document(t, path), "\n") {
			for _, name := range inBackticks(line) {
				name, _, _ = strings.Cut(name, ":")
				name, _, _ = strings.Cut(name, "=")
				_, isSetting := defaults[name]
				switch {
				case strings.HasPrefix(name, "FLOWGATE_"):
					require.True(t, variables[name], "%s:%d: unknown variable %s", path, number+1, name)
				case settingPath.MatchString(name) && !fileName.MatchString(name):
					require.True(t, isSetting || sections[name], "%s:%d: unknown setting %s", path, number+1, name)
					checked++
				}
			}
			require.NoError(t, checkDefault(defaults, cells(line)), "%s:%d", path, number+1)
		}
	}
	require.Greater(t, checked, len(defaults), "the table of settings in the README mentions every setting")
}

// checkDefault checks a table row whose first two cells are a setting and its default, both in backticks. It ignores
// other rows.
func checkDefault(defaults map[string]string, row []string) error {
	if len(row) < 2 {
		return nil
	}
	setting, value := inBackticks(row[0]), inBackticks(row[1])
	if len(setting) != 1 || len(value) != 1 || row[1] != "`"+value[0]+"`" || strings.HasPrefix(value[0], "FLOWGATE_") {
		return nil
	}
	if want, known := defaults[setting[0]]; known && want != value[0] {
		return errors.New("the default of " + setting[0] + " is " + want)
	}
	return nil
}

func TestLinksToFilesAndHeadingsExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	checked := 0
	for _, path := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(document(t, path), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			name, heading, _ := strings.Cut(match[1], "#")
			target := path
			if name != "" {
				target = filepath.Join(filepath.Dir(path), name)
			}
			_, err := os.Stat(target)
			require.NoError(t, err, "%s links to %s", path, match[1])
			if heading != "" {
				require.Contains(t, anchors(document(t, target)), heading, "%s links to %s", path, match[1])
			}
			checked++
		}
	}
	require.Positive(t, checked)
}

// anchors returns the anchors that GitHub creates for the headings of a document.
func anchors(text string) []string {
	found := []string{}
	removed := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.Lines(text) {
		if title, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") {
			found = append(found, strings.ReplaceAll(removed.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-"))
		}
	}
	return found
}
