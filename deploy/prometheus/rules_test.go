package prometheus_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

const rulesFile = "rules.yaml"

// rules is the content of rules.yaml that the tests read.
type rules struct {
	Groups []struct {
		Rules []rule `yaml:"rules"`
	} `yaml:"groups"`
}

type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// unitTests is the content of a file of unit tests.
type unitTests struct {
	Tests []struct {
		AlertRuleTests []struct {
			AlertName string `yaml:"alertname"`
			Expected  []struct {
				Labels map[string]string `yaml:"exp_labels"` //nolint:tagliatelle // promtool's name
			} `yaml:"exp_alerts"` //nolint:tagliatelle // promtool's name
		} `yaml:"alert_rule_test"` //nolint:tagliatelle // promtool's name
	} `yaml:"tests"`
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name) //nolint:gosec // a file of the repository
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into), name)
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file rules
	readYAML(t, rulesFile, &file)
	all := []rule{}
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

func readAlerts(t *testing.T) []rule {
	t.Helper()
	alerts := []rule{}
	for _, rule := range readRules(t) {
		if rule.Alert != "" {
			alerts = append(alerts, rule)
		}
	}
	require.NotEmpty(t, alerts)
	return alerts
}

func unitTestFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func promtool(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), deploytest.Program(t, "promtool", "prometheus"), args...) //nolint:gosec // Debian's promtool
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return string(output)
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	t.Parallel()
	t.Log(promtool(t, "check", "rules", rulesFile))
}

func TestUnitTestsOfTheRulesPass(t *testing.T) {
	t.Parallel()
	for _, file := range unitTestFiles(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			t.Log(promtool(t, "test", "rules", file))
		})
	}
}

func TestEachAlertHasAUnitTestInWhichItFiresAndOneInWhichItDoesNot(t *testing.T) {
	t.Parallel()
	type outcome struct{ fires, silent int }
	outcomes := map[string]*outcome{}
	key := func(alert, severity string) string { return alert + " " + severity }
	for _, alert := range readAlerts(t) {
		outcomes[key(alert.Alert, alert.Labels["severity"])] = &outcome{}
	}
	for _, file := range unitTestFiles(t) {
		var tests unitTests
		readYAML(t, file, &tests)
		for _, test := range tests.Tests {
			for _, alertTest := range test.AlertRuleTests {
				for name, outcome := range outcomes {
					alert, severity, _ := strings.Cut(name, " ")
					if alert != alertTest.AlertName {
						continue
					}
					fired := false
					for _, expected := range alertTest.Expected {
						fired = fired || expected.Labels["severity"] == severity
					}
					if fired {
						outcome.fires++
					} else {
						outcome.silent++
					}
				}
			}
		}
	}
	for name, outcome := range outcomes {
		require.Positive(t, outcome.fires, "a unit test in which %s fires", name)
		require.Positive(t, outcome.silent, "a unit test in which %s does not fire", name)
	}
	t.Logf("%d alerts", len(outcomes))
}

func TestEachAlertHasAnEntryInTheDocument(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(filepath.Join(deploytest.Repository(t), "docs", "operations.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(document), "\n## Alerts\n")
	require.True(t, found)
	documented := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^### (Flowgate\w+)$`).FindAllStringSubmatch(section, -1) {
		documented[match[1]] = true
	}
	defined := map[string]bool{}
	for _, alert := range readAlerts(t) {
		defined[alert.Alert] = true
		require.Contains(t, []string{"critical", "warning"}, alert.Labels["severity"], alert.Alert)
		require.NotEmpty(t, alert.Annotations["summary"], alert.Alert)
		require.NotEmpty(t, alert.Annotations["description"], alert.Alert)
		// The anchor of a heading is its text in lower case.
		require.Equal(t, "https://github.com/flowgate/flowgate/blob/main/docs/operations.md#"+strings.ToLower(alert.Alert),
			alert.Annotations["runbook_url"], alert.Alert)
	}
	require.Equal(t, defined, documented)
}
