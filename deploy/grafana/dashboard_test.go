package grafana_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/deploy/deploytest"
	"github.com/flowgate/flowgate/deploy/deploytest/metrics"
)

// dashboard is the part of a dashboard that the tests read.
type dashboard struct {
	UID    string  `json:"uid"`
	Panels []panel `json:"panels"`

	Templating struct {
		List []struct {
			Name string `json:"name"`
			Type string `json:"type"`

			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     struct {
		X, Y, W, H int
	} `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []target `json:"targets"`
}

type target struct {
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat"`
	Datasource   datasource `json:"datasource"`
}

type datasource struct {
	Type, UID string
}

func readDashboard(t *testing.T) *dashboard {
	t.Helper()
	text, err := os.ReadFile("flowgate.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	require.NotEmpty(t, d.Panels)
	return &d
}

// queries returns the queries of all panels and annotations.
func (d *dashboard) queries() []string {
	all := []string{}
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, annotation := range d.Annotations.List {
		all = append(all, annotation.Expr)
	}
	return all
}

func TestPanelsAreComplete(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	source := datasource{Type: "prometheus", UID: "${datasource}"}
	titles, ids := map[string]bool{}, map[int]bool{}
	for _, panel := range d.Panels {
		require.False(t, ids[panel.ID], "%s: the id occurs twice", panel.Title)
		require.False(t, titles[panel.Title], "%s: the title occurs twice", panel.Title)
		titles[panel.Title], ids[panel.ID] = true, true
		if panel.Type == "row" {
			continue
		}
		require.NotEmpty(t, panel.Title)
		require.NotEmpty(t, panel.Description, panel.Title)
		require.NotEmpty(t, panel.FieldConfig.Defaults.Unit, panel.Title)
		require.NotEmpty(t, panel.Targets, panel.Title)
		require.Equal(t, source, panel.Datasource, panel.Title)
		for _, target := range panel.Targets {
			require.Equal(t, source, target.Datasource, panel.Title)
		}
	}
	t.Logf("%d panels and rows", len(d.Panels))
}

func TestPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	const columns = 24
	occupied := map[[2]int]string{}
	for _, panel := range readDashboard(t).Panels {
		position := panel.GridPos
		require.LessOrEqual(t, position.X+position.W, columns, panel.Title)
		for x := position.X; x < position.X+position.W; x++ {
			for y := position.Y; y < position.Y+position.H; y++ {
				require.Empty(t, occupied[[2]int{x, y}], "%s overlaps another panel", panel.Title)
				occupied[[2]int{x, y}] = panel.Title
			}
		}
	}
}

// Every query selects the job and the instance, except that alerts of a whole deployment have no instance.
func TestQueriesUseTheVariables(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	variables := []string{}
	for _, variable := range d.Templating.List {
		variables = append(variables, variable.Name)
	}
	require.Equal(t, []string{"datasource", "job", "instance"}, variables)
	for _, query := range d.queries() {
		names, err := metrics.Names(query)
		require.NoError(t, err)
		for _, name := range names {
			if name != "ALERTS" {
				require.Contains(t, query, name+`{job=~"$job", instance=~"$instance"`)
			}
		}
		require.Contains(t, query, `job=~"$job"`)
	}
}

// Panels with the name of an objective show what its alert evaluates.
func TestDashboardAndRulesExcludeTheSameRoutesAndRPCs(t *testing.T) {
	t.Parallel()
	exclusion := regexp.MustCompile(`(?:http_route|rpc_method)!~"[^"]+"`)
	rules := strings.Join(ruleQueries(t), "\n")
	found := 0
	for _, query := range readDashboard(t).queries() {
		for _, text := range exclusion.FindAllString(query, -1) {
			require.Contains(t, rules, text)
			found++
		}
	}
	require.Positive(t, found)
}

// otherMetrics starts the sentence of docs/operations.md that lists the metrics that neither a panel nor a rule uses.
const otherMetrics = "Neither the rules nor the dashboard use "

func TestEveryMetricIsUsed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deploytest.Repository(t), "docs", "operations.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "<!-- metrics: ")
	require.True(t, found)
	table, rest, _ := strings.Cut(table, "\n\n")
	used := map[string]bool{}
	d := readDashboard(t)
	for _, query := range append(d.queries(), ruleQueries(t)...) {
		names, err := metrics.Names(query)
		require.NoError(t, err)
		for _, name := range names {
			used[name] = true
			used[strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")] = true
		}
	}
	_, others, _ := strings.Cut(rest, otherMetrics)
	others, _, _ = strings.Cut(others, ".")
	listed := regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(table, -1)
	require.NotEmpty(t, listed)
	for _, match := range listed {
		other := strings.Contains(others, "`"+match[1]+"`")
		require.NotEqual(t, used[match[1]], other, "%s: a panel or a rule uses it, or docs/operations.md lists it after %q", match[1], otherMetrics)
	}
}

// ruleQueries returns the expressions of the alerts and recording rules.
func ruleQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "prometheus", "rules.yaml"))
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Expr string `yaml:"expr"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	all := []string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			all = append(all, rule.Expr)
		}
	}
	require.NotEmpty(t, all)
	return slices.Compact(all)
}
